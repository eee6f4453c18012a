/** The values that a pickle is making: a stack, the stacks below its marks, and what it has remembered. */
export interface PickleStack {
  push(value: unknown): void;
  pop(): unknown;
  /** The last `count` values, in the order in which they were pushed. */
  popLast(count: number): unknown[];
  /** Begins a stack on top of this one. */
  mark(): void;
  /** The values pushed since the last mark. */
  popMarked(): unknown[];
  /** Adds values to the list on top. */
  append(values: readonly unknown[]): void;
  /** Sets key, value, key, value, … in the dictionary on top. */
  set(values: readonly unknown[]): void;
  /** Whether a dictionary is on top. */
  holdsDictionary(): boolean;
  /** Remembers the value on top. */
  remember(index: number): void;
  /** Pushes a value that was remembered. */
  recall(index: number): void;
}

/** `refuse` throws the error for what a pickle does that it cannot. */
export function pickleStack(refuse: (what: string) => never): PickleStack {
  const remembered = new Map<number, unknown>();
  const outer: unknown[][] = [];
  let stack: unknown[] = [];

  const pop = (): unknown => {
    if (stack.length === 0) refuse('takes a value that is not there');
    return stack.pop();
  };
  return {
    push: (value) => void stack.push(value),
    pop,
    popLast: (count) => Array.from({ length: count }, pop).reverse(),
    mark() {
      outer.push(stack);
      stack = [];
    },
    popMarked() {
      const marked = stack;
      stack = outer.pop() ?? refuse('asks for a mark that is not there');
      return marked;
    },
    append(values) {
      const list = stack.at(-1);
      if (!Array.isArray(list)) return refuse('appends to what is no list');
      for (const value of values) list.push(value);
    },
    set(values) {
      const dictionary = stack.at(-1);
      if (!(dictionary instanceof Map) || values.length % 2 !== 0) return refuse('sets items of what is no dictionary');
      for (let i = 0; i < values.length; i += 2) dictionary.set(values[i], values[i + 1]);
    },
    holdsDictionary: () => stack.at(-1) instanceof Map,
    remember(index) {
      if (stack.length === 0) refuse('remembers a value that is not there');
      remembered.set(index, stack.at(-1));
    },
    recall(index) {
      if (!remembered.has(index)) refuse(`recalls value ${index}, which it did not remember`);
      stack.push(remembered.get(index));
    },
  };
}
