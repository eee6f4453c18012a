/** Writes files as `torch.save` does, operation by operation, and files that it would not write. */

const encoder = new TextEncoder();
const uint = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) % 256);

/** The operations of a pickle; each is its bytes. https://docs.python.org/3/library/pickletools.html */
export const op = {
  proto: [0x80, 2],
  stop: [0x2e],
  mark: [0x28],
  tuple: [0x74],
  none: [0x4e],
  false: [0x89],
  true: [0x88],
  reduce: [0x52],
  build: [0x62],
  setItem: [0x73],
  setItems: [0x75],
  append: [0x61],
  appends: [0x65],
  emptyTuple: [0x29],
  emptyList: [0x5d],
  emptyDict: [0x7d],
  persistent: [0x51],
  global: (module: string, name: string) => [0x63, ...encoder.encode(`${module}\n${name}\n`)],
  text: (value: string) => {
    const bytes = encoder.encode(value);
    return [0x58, ...uint(bytes.length, 4), ...bytes];
  },
  int: (value: number) => [0x4a, ...uint(value >>> 0, 4)],
  /** Any number, as ten bytes. */
  long: (value: bigint) => [0x8a, 10, ...Array.from({ length: 10 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))],
  put: (index: number) => [0x71, index],
  get: (index: number) => [0x68, index],
} as const;

export const tuple = (...values: readonly (readonly number[])[]): number[] => [
  ...op.mark,
  ...values.flat(),
  ...op.tuple,
];
export const pickle = (...operations: readonly (readonly number[])[]): number[] => [
  ...op.proto,
  ...operations.flat(),
  ...op.stop,
];

export interface TorchTensor {
  readonly kind?: string;
  readonly key: string;
  /** Elements of the storage. */
  readonly size: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

const ints = (values: readonly number[]) => tuple(...values.map(op.int));

/** `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)` */
export function tensor(
  { kind = 'FloatStorage', key, size, offset = 0, shape, strides }: TorchTensor,
  old = false,
): number[] {
  const id = [op.text('storage'), op.global('torch', kind), op.text(key), op.text('cpu'), op.int(size)];
  const hooks = [...op.global('collections', 'OrderedDict'), ...op.emptyTuple, ...op.reduce];
  const storage = [...tuple(...id, ...(old ? [op.none] : [])), ...op.persistent];
  const args = tuple(storage, op.int(offset), ints(shape), ints(strides), op.false, hooks);
  return [...op.global('torch._utils', '_rebuild_tensor_v2'), ...args, ...op.reduce];
}

export const parameter = (of: readonly number[]): number[] => [
  ...op.global('torch._utils', '_rebuild_parameter'),
  ...tuple(of, op.true, op.none),
  ...op.reduce,
];

/** An OrderedDict with `_metadata`, as `state_dict` gives. */
export function dictionary(entries: Readonly<Record<string, readonly number[]>>): number[] {
  const items = Object.entries(entries).flatMap(([key, value]) => [...op.text(key), ...value]);
  const empty = [...op.global('collections', 'OrderedDict'), ...op.emptyTuple, ...op.reduce];
  const metadata = [...op.emptyDict, ...op.text('_metadata'), ...empty, ...op.setItem];
  return [...empty, ...op.mark, ...items, ...op.setItems, ...metadata, ...op.build];
}

/** The file of PyTorch before 1.6: magic, version, system, contents, keys, and each storage behind its size. */
export function oldFile(
  contents: readonly number[],
  storages: readonly (readonly [key: string, size: number, bytes: Uint8Array])[],
  { magic = 0x1950a86a20f9469cfc6cn, version = 1001, little = true } = {},
): Uint8Array<ArrayBuffer> {
  const system = [...op.emptyDict, ...op.text('little_endian'), ...(little ? op.true : op.false), ...op.setItem];
  const keys = [...op.emptyList, ...op.mark, ...storages.flatMap(([key]) => op.text(key)), ...op.appends];
  return Uint8Array.from([
    ...pickle(op.long(magic)),
    ...pickle(op.int(version)),
    ...pickle(system),
    ...pickle(contents),
    ...pickle(keys),
    ...storages.flatMap(([, size, bytes]) => [...uint(size, 8), ...bytes]),
  ]);
}

/** A zip archive of stored files, each beginning at a multiple of 64 bytes as PyTorch has it. */
export function zip(files: readonly (readonly [name: string, bytes: ArrayLike<number>])[], method = 0): Uint8Array {
  const out: number[] = [];
  const directory: number[] = [];
  for (const [name, bytes] of files) {
    const at = out.length;
    const sizes = [...uint(0, 4), ...uint(bytes.length, 4), ...uint(bytes.length, 4)];
    const path = [...encoder.encode(name)];
    const padding = (64 - ((at + 30 + path.length) % 64)) % 64;
    const head = [...uint(20, 2), ...uint(0, 2), ...uint(method, 2), ...uint(0, 4), ...sizes, ...uint(path.length, 2)];
    out.push(...uint(0x04034b50, 4), ...head, ...uint(padding, 2), ...path, ...new Array(padding).fill(0));
    for (let i = 0; i < bytes.length; i++) out.push(bytes[i]!);
    directory.push(...uint(0x02014b50, 4), ...uint(20, 2), ...head, ...uint(0, 2), ...uint(0, 2));
    directory.push(...uint(0, 2), ...uint(0, 2), ...uint(0, 4), ...uint(at, 4), ...path);
  }
  const counts = [...uint(0, 4), ...uint(files.length, 2), ...uint(files.length, 2)];
  const end = [...uint(0x06054b50, 4), ...counts, ...uint(directory.length, 4), ...uint(out.length, 4), ...uint(0, 2)];
  return Uint8Array.from([...out, ...directory, ...end]);
}

/** The file of PyTorch since 1.6. */
export const newFile = (
  contents: readonly number[],
  storages: readonly (readonly [key: string, bytes: Uint8Array])[],
  others: readonly (readonly [name: string, bytes: ArrayLike<number>])[] = [],
): Uint8Array =>
  zip([
    ['archive/data.pkl', pickle(contents)],
    ['archive/byteorder', encoder.encode('little')],
    ...storages.map(([key, bytes]) => [`archive/data/${key}`, bytes] as const),
    ['archive/version', encoder.encode('3\n')],
    ...others,
  ]);

export const floats = (...values: readonly number[]): Uint8Array => new Uint8Array(new Float32Array(values).buffer);
