import { FORMATS } from '../float-formats';
import type { StoredTensor } from '../read-safetensors';
import { fault, quoted } from './fault';
import type { Global, Unpickling } from './unpickle';

/** A storage that a pickle names: its numbers are elsewhere in the file. */
export class Storage {
  constructor(
    readonly dtype: string,
    readonly key: string,
    /** Elements. */
    readonly size: number,
  ) {}

  get bytes(): number {
    return this.size * FORMATS[this.dtype].bytes;
  }
}

/** A tensor that a pickle describes: elements of a storage. */
export class StridedTensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** The dtype in safetensors' words by the class of storage in PyTorch's. */
const STORAGES: Readonly<Record<string, string>> = {
  FloatStorage: 'F32',
  DoubleStorage: 'F64',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

const GLOBALS: readonly Global[] = [
  { name: 'collections.OrderedDict', call: orderedDict },
  { name: 'torch._utils._rebuild_tensor_v2', call: stridedTensor },
  { name: 'torch._utils._rebuild_parameter', call: ([tensor]) => tensor },
  ...Object.keys(STORAGES).map((name) => ({ name: `torch.${name}` })),
];

/** The globals that the pickle of a state dict may ask for: dictionaries, tensors and their storages. */
export const TENSORS: Unpickling = {
  globals: new Map(GLOBALS.map((each) => [each.name, each])),
  persistent: storage,
};

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
/** PyTorch's own limit. */
const MAX_RANK = 64;
const areSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= MAX_RANK && value.every(isSize);

/** An empty one, which is filled afterwards. Made of a list, it could take far more memory than the file. */
function orderedDict(args: readonly unknown[]): Map<unknown, unknown> {
  if (args.length > 0) throw fault('the pickle makes an OrderedDict of a list, as Python 2 did, which is not read');
  return new Map();
}

/** ('storage', class, key, location, elements, view), the last in the old format alone. */
function storage(id: unknown): Storage {
  const [tag, kind, key, , size, view = null] = Array.isArray(id) ? id : [];
  const dtype = STORAGES[((kind as Global | null)?.name ?? '').slice('torch.'.length)];
  if (tag !== 'storage' || dtype === undefined || typeof key !== 'string' || !isSize(size))
    throw fault('the pickle refers to something beside it that is no storage of a tensor');
  if (view !== null) throw fault(`storage ${quoted(key)} is a view of another one, which is not read`);
  const made = new Storage(dtype, key, size);
  if (!Number.isSafeInteger(made.bytes)) throw fault(`storage ${quoted(key)} has ${size} elements, more than can be`);
  return made;
}

/** (storage, offset, size, stride, requires_grad, backward_hooks, …) */
function stridedTensor([of, offset, shape, strides]: readonly unknown[]): StridedTensor {
  if (!(of instanceof Storage) || !isSize(offset) || !areSizes(shape) || !areSizes(strides))
    throw fault('the pickle makes a tensor of something else than a storage, an offset, a shape and strides');
  if (shape.length !== strides.length)
    throw fault(`the pickle makes a tensor of ${shape.length} sizes and ${strides.length} strides`);
  return new StridedTensor(of, offset, shape, strides);
}

/**
 * A tensor with the bytes of its storage. Its numbers are copied in row order when `values` is called, whatever its strides.
 *
 * @throws RangeError if it reaches beyond its storage, or has more elements than that, so that its size would not be
 *   bounded by the file's
 */
export function storedTensor(name: string, tensor: StridedTensor, bytes: Uint8Array): StoredTensor {
  const { storage, offset, shape, strides } = tensor;
  const elements = shape.reduce((product, size) => product * size, 1);
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], offset);
  if (elements > 0 && (elements > storage.size || last >= storage.size))
    throw fault(
      `tensor ${quoted(name)} of shape ${JSON.stringify(shape)} takes more than the ${storage.size} elements of its storage`,
    );
  const { bytes: width, decode } = FORMATS[storage.dtype];
  const values = () => {
    if (!decode) throw fault(`tensor ${quoted(name)} is ${storage.dtype}, which is no float; leave it out`);
    return decode(inRows(bytes, width, tensor, elements));
  };
  return { dtype: storage.dtype, shape, values };
}

/** The bytes of the elements, row by row. */
function inRows(
  bytes: Uint8Array,
  width: number,
  { offset, shape, strides }: StridedTensor,
  elements: number,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(elements * width);
  const index = shape.map(() => 0);
  let from = offset;
  for (let i = 0; i < elements; i++) {
    out.set(bytes.subarray(from * width, (from + 1) * width), i * width);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= shape[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return out;
}
