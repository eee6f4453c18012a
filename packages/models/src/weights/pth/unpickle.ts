import { fault, quoted } from './fault';

/** A function of Python that a pickle may call, or a name in it that stands for itself. */
export interface Global {
  readonly name: string;
  readonly call?: (args: readonly unknown[]) => unknown;
}

export interface Unpickling {
  /** What a pickle may ask for, by `module.name`. */
  readonly globals: ReadonlyMap<string, Global>;
  /** The object that a pickle keeps elsewhere, by its id. */
  readonly persistent: (id: unknown) => unknown;
}

/** Far more than a state dict of 100,000 tensors takes; each operation makes at most one value. */
const MAX_OPERATIONS = 2 ** 22;
/** The protocol of `torch.save`. */
const PROTOCOL = 2;

const PROTO = 0x80;
const STOP = 0x2e;

/**
 * The value of the pickle that begins at `start`, and where it ends. Dictionaries become Maps, lists and tuples arrays,
 * None null. Nothing is looked up, imported or called but `globals`; every operation that could do more, or that
 * `torch.save` does not write, is refused. https://docs.python.org/3/library/pickletools.html lists the operations.
 *
 * @throws RangeError on anything else, and where the pickle does not end within `bytes`
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  { globals, persistent }: Unpickling,
): { value: unknown; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const memo = new Map<number, unknown>();
  const outer: unknown[][] = [];
  let stack: unknown[] = [];
  let at = start;

  /** The place of the next `size` bytes, which are behind `at` afterwards. */
  const take = (size: number): number => {
    if (size > bytes.length - at) throw fault(`the pickle ends after ${bytes.length} bytes, in the middle of a value`);
    at += size;
    return at - size;
  };
  const text = (size: number): string => {
    const from = take(size);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(from, at));
    } catch {
      throw fault(`the pickle has a string at byte ${from} that is no UTF-8`);
    }
  };
  const line = (): string => {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) throw fault('the pickle ends in the middle of a name');
    const read = text(end - at);
    take(1);
    return read;
  };
  const pop = (): unknown => {
    if (stack.length === 0) throw fault(`the pickle takes a value at byte ${at - 1} that is not there`);
    return stack.pop();
  };
  /** What was pushed since the last mark. */
  const popMarked = (): unknown[] => {
    const marked = stack;
    stack = outer.pop() ?? refuse('asks for a mark that is not there');
    return marked;
  };
  const refuse = (what: string): never => {
    throw fault(`the pickle ${what}, at byte ${at - 1}`);
  };
  const append = (values: readonly unknown[]): void => {
    const list = stack.at(-1);
    if (!Array.isArray(list)) refuse('appends to what is no list');
    for (const value of values) (list as unknown[]).push(value);
  };
  const set = (values: readonly unknown[]): unknown => {
    const dictionary = stack.at(-1);
    if (!(dictionary instanceof Map) || values.length % 2 !== 0) return refuse('sets items of what is no dictionary');
    for (let i = 0; i < values.length; i += 2) dictionary.set(values[i], values[i + 1]);
    return dictionary;
  };
  const remembered = (index: number): unknown => {
    if (!memo.has(index)) refuse(`recalls value ${index}, which it did not remember`);
    return memo.get(index);
  };
  const remember = (index: number): void => {
    if (stack.length === 0) refuse('remembers a value that is not there');
    memo.set(index, stack.at(-1));
  };
  const global = (name: string): Global =>
    globals.get(name) ??
    refuse(`asks for ${quoted(name)}, and nothing but tensors is read; torch.save(model.state_dict(), …) writes those`);
  const reduce = (args: unknown, callee: unknown): unknown => {
    const known = [...globals.values()].find((each) => each === callee);
    if (!known?.call || !Array.isArray(args)) return refuse('calls what is no function');
    return known.call(args);
  };

  /** By the byte of the operation, as a character. */
  const operations: Readonly<Record<string, () => unknown>> = {
    '(': () => {
      outer.push(stack);
      stack = [];
    },
    N: () => stack.push(null),
    '\x88': () => stack.push(true),
    '\x89': () => stack.push(false),
    J: () => stack.push(view.getInt32(take(4), true)),
    K: () => stack.push(view.getUint8(take(1))),
    M: () => stack.push(view.getUint16(take(2), true)),
    G: () => stack.push(view.getFloat64(take(8))),
    '\x8a': () => {
      const size = view.getUint8(take(1));
      stack.push(integer(bytes.subarray(take(size), at)));
    },
    X: () => stack.push(text(view.getUint32(take(4), true))),
    U: () => stack.push(text(view.getUint8(take(1)))),
    ')': () => stack.push([]),
    ']': () => stack.push([]),
    '}': () => stack.push(new Map()),
    t: () => {
      const values = popMarked();
      stack.push(values);
    },
    '\x85': () => stack.push([pop()]),
    '\x86': () => stack.push([pop(), pop()].reverse()),
    '\x87': () => stack.push([pop(), pop(), pop()].reverse()),
    a: () => append([pop()]),
    e: () => append(popMarked()),
    s: () => set([pop(), pop()].reverse()),
    u: () => set(popMarked()),
    q: () => remember(view.getUint8(take(1))),
    r: () => remember(view.getUint32(take(4), true)),
    h: () => stack.push(remembered(view.getUint8(take(1)))),
    j: () => stack.push(remembered(view.getUint32(take(4), true))),
    c: () => stack.push(global(`${line()}.${line()}`)),
    R: () => stack.push(reduce(pop(), pop())),
    Q: () => stack.push(persistent(pop())),
    // The attributes of an OrderedDict, such as the `_metadata` of a state dict, are dropped.
    b: () => {
      pop();
      if (!(stack.at(-1) instanceof Map)) refuse('gives attributes to what is no dictionary');
    },
  };

  for (let count = 0; ; count++) {
    if (count === MAX_OPERATIONS) throw fault(`the pickle has more than ${MAX_OPERATIONS} operations`);
    const operation = bytes[take(1)]!;
    if (operation === STOP) return { value: pop(), end: at };
    if (operation === PROTO) {
      const protocol = bytes[take(1)]!;
      if (protocol !== PROTOCOL)
        refuse(`has protocol ${protocol}; torch.save writes ${PROTOCOL} unless told otherwise`);
    } else {
      const run =
        operations[String.fromCharCode(operation)] ??
        refuse(`has operation 0x${operation.toString(16)}, which no tensor needs`);
      run();
    }
  }
}

/** A whole number of two's complement, lowest byte first: a number where it is safe, else a bigint. */
function integer(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  const signed = bytes.length === 0 ? 0n : BigInt.asIntN(8 * bytes.length, value);
  return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
}
