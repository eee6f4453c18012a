import { fault, quoted } from './fault';
import { type PickleReader, pickleReader } from './pickle-reader';
import { type PickleStack, pickleStack } from './pickle-stack';

/** A function of Python that a pickle may call, or a name in it that stands for itself. */
export interface Global {
  readonly name: string;
  readonly call?: (args: readonly unknown[]) => unknown;
}

export interface Unpickling {
  /** The globals that a pickle may ask for, by `module.name`. */
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
export function unpickle(bytes: Uint8Array, start: number, unpickling: Unpickling): { value: unknown; end: number } {
  const reader = pickleReader(bytes, start);
  const stack = pickleStack(reader.refuse);
  const operations = operationsOf(reader, stack, unpickling);
  for (let count = 0; count < MAX_OPERATIONS; count++) {
    const operation = reader.uint8();
    if (operation === STOP) return { value: stack.pop(), end: reader.position() };
    if (operation === PROTO) {
      const protocol = reader.uint8();
      if (protocol !== PROTOCOL)
        reader.refuse(`has protocol ${protocol}; torch.save writes ${PROTOCOL} unless told otherwise`);
    } else {
      const run =
        operations[String.fromCharCode(operation)] ??
        reader.refuse(`has operation 0x${operation.toString(16)}, which no tensor needs`);
      run();
    }
  }
  throw fault(`the pickle has more than ${MAX_OPERATIONS} operations`);
}

/** The operations that `torch.save` writes, by their byte as a character. */
function operationsOf(
  reader: PickleReader,
  stack: PickleStack,
  { globals, persistent }: Unpickling,
): Readonly<Record<string, () => void>> {
  const { push, pop, popLast, popMarked, append, set, remember, recall } = stack;
  const { uint8, uint16, uint32, int32, float64, text, line, refuse } = reader;
  const global = (name: string): Global =>
    globals.get(name) ??
    refuse(`asks for ${quoted(name)}, and nothing but tensors is read; torch.save(model.state_dict(), …) writes those`);
  const reduce = (args: unknown, callee: unknown): unknown => {
    const known = [...globals.values()].find((each) => each === callee);
    if (!known?.call || !Array.isArray(args)) return refuse('calls what is no function');
    return known.call(args);
  };
  return {
    '(': stack.mark,
    N: () => push(null),
    '\x88': () => push(true),
    '\x89': () => push(false),
    J: () => push(int32()),
    K: () => push(uint8()),
    M: () => push(uint16()),
    G: () => push(float64()),
    '\x8a': () => push(integer(reader.bytes(uint8()))),
    X: () => push(text(uint32())),
    U: () => push(text(uint8())),
    ')': () => push([]),
    ']': () => push([]),
    '}': () => push(new Map()),
    t: () => push(popMarked()),
    '\x85': () => push(popLast(1)),
    '\x86': () => push(popLast(2)),
    '\x87': () => push(popLast(3)),
    a: () => append(popLast(1)),
    e: () => append(popMarked()),
    s: () => set(popLast(2)),
    u: () => set(popMarked()),
    q: () => remember(uint8()),
    r: () => remember(uint32()),
    h: () => recall(uint8()),
    j: () => recall(uint32()),
    c: () => push(global(`${line()}.${line()}`)),
    R: () => push(reduce(pop(), pop())),
    Q: () => push(persistent(pop())),
    // The attributes of an OrderedDict, such as the `_metadata` of a state dict, are dropped.
    b: () => {
      pop();
      if (!stack.holdsDictionary()) refuse('gives attributes to what is no dictionary');
    },
  };
}

/** A whole number of two's complement, lowest byte first: a number where it is safe, else a bigint. */
function integer(bytes: Uint8Array): number | bigint {
  const value = bytes.reduceRight((higher, byte) => (higher << 8n) | BigInt(byte), 0n);
  const signed = bytes.length === 0 ? 0n : BigInt.asIntN(8 * bytes.length, value);
  return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
}
