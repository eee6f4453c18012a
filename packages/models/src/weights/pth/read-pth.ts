import { requireKnownOptions } from '@qgen/core';
import type { StoredTensor } from '../read-safetensors';
import { fault, quoted } from './fault';
import { isZip, storedFiles } from './stored-zip';
import { type Storage, StridedTensor, storedTensor, TENSORS } from './tensor-parts';
import { unpickle } from './unpickle';

export interface PthOptions {
  /** The key of the state dict in a file that holds more, as the checkpoints of a training do: 'model', 'state_dict'. */
  readonly entry?: string;
}

/** The number at the start of the old format, before its version and its byte order. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;

/**
 * The tensors of a file that PyTorch's `torch.save` wrote of a state dict, by name: `.pth`, `.pt` and `.bin` of torchvision,
 * timm and others, in the present format (a zip archive) and in the one before PyTorch 1.6. What it gives is for
 * `loadPyTorchWeights`, as what `readSafetensors` gives.
 *
 * Such a file is a program for Python's pickle machine. This one runs no program: it knows dictionaries, tensors and their
 * storages, and refuses the first name or operation that is anything else. No tensor is copied before its `values` are
 * asked for, and none can have more elements than the file holds.
 *
 * @throws TypeError if `bytes` is no Uint8Array, RangeError on anything else that is wrong with the file: a name that no
 *   tensor needs, a truncated pickle or archive, a tensor beyond its storage, values that are no tensors, no such `entry`
 */
export function readPth(bytes: Uint8Array, options: PthOptions = {}): ReadonlyMap<string, StoredTensor> {
  requireKnownOptions('readPth', options, ['entry']);
  if (!(bytes instanceof Uint8Array))
    throw new TypeError(`readPth: bytes must be the Uint8Array of a file, got ${typeof bytes}`);
  const { entry } = options;
  if (entry !== undefined && typeof entry !== 'string')
    throw new TypeError(`readPth: entry must be a string, got ${typeof entry}`);
  const { value, data } = isZip(bytes) ? zipped(bytes) : concatenated(bytes);
  const tensors = stateDict(value, entry);
  return new Map([...tensors].map(([name, tensor]) => [name, storedTensor(name, tensor, data(tensor.storage))]));
}

/** The unpickled value, and the bytes of a storage. */
interface Contents {
  readonly value: unknown;
  readonly data: (storage: Storage) => Uint8Array;
}

/** A zip archive with `NAME/data.pkl` and a file `NAME/data/KEY` for each storage. */
function zipped(bytes: Uint8Array): Contents {
  const files = storedFiles(bytes);
  const [pickle, ...others] = [...files.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickle === undefined || others.length > 0)
    throw fault(`the archive must have one file NAME/data.pkl, has ${others.length + (pickle ? 1 : 0)}`);
  const folder = pickle.slice(0, -'data.pkl'.length);
  const order = files.get(`${folder}byteorder`);
  if (order && new TextDecoder().decode(order) !== 'little') throw fault('the numbers are not little-endian');
  const { value } = unpickle(files.get(pickle)!, 0, TENSORS);
  const data = (storage: Storage) => {
    const found = files.get(`${folder}data/${storage.key}`);
    if (found?.length !== storage.bytes)
      throw fault(`storage ${quoted(storage.key)} has ${storage.bytes} bytes, the archive ${found?.length ?? 'none'}`);
    return found;
  };
  return { value, data };
}

/** Pickles of magic, version, system, contents and keys of storages, then the storages, each with its size before it. */
function concatenated(bytes: Uint8Array): Contents {
  const pickles: unknown[] = [];
  const sizes = new Map<string, Storage>();
  const persistent = (id: unknown) => {
    const storage = TENSORS.persistent(id) as Storage;
    const known = sizes.get(storage.key) ?? storage;
    if (known.dtype !== storage.dtype || known.size !== storage.size)
      throw fault(`storage ${quoted(storage.key)} is described in two ways`);
    sizes.set(storage.key, known);
    return known;
  };
  let at = 0;
  const next = (): unknown => {
    const { value, end } = unpickle(bytes, at, { ...TENSORS, persistent });
    at = end;
    pickles.push(value);
    return value;
  };
  if (!beginsWithMagic(bytes) || next() !== MAGIC)
    throw fault('the file is none of torch.save; readSafetensors reads .safetensors');
  if (next() !== VERSION) throw fault(`the file has version ${String(pickles[1])}, known is ${VERSION}`);
  const system = next();
  if (!(system instanceof Map) || system.get('little_endian') !== true)
    throw fault('the numbers are not little-endian');
  const value = next();
  const keys = next();
  if (!Array.isArray(keys)) throw fault('the file has no list of storages');

  const found = new Map<string, Uint8Array>();
  for (const key of keys) {
    const storage = sizes.get(key);
    if (!storage || found.has(key)) throw fault('the file lists a storage twice, or one that no tensor has');
    if (bytes.length - at < 8 + storage.bytes)
      throw fault(`storage ${quoted(key)} of ${storage.bytes} bytes is cut off by the end of the file`);
    const size = new DataView(bytes.buffer, bytes.byteOffset + at, 8).getBigInt64(0, true);
    if (size !== BigInt(storage.size))
      throw fault(`storage ${quoted(key)} has ${storage.size} elements, before its numbers stands ${size}`);
    found.set(key, bytes.subarray(at + 8, at + 8 + storage.bytes));
    at += 8 + storage.bytes;
  }
  if (at !== bytes.length) throw fault(`the storages end at byte ${at}, the file at ${bytes.length}`);
  const data = ({ key }: Storage) => found.get(key) ?? missing(key);
  return { value, data };
}

function missing(key: string): never {
  throw fault(`storage ${quoted(key)} is not in the file`);
}

/** A pickle of protocol 2 that begins with a number of ten bytes. */
const beginsWithMagic = (bytes: Uint8Array) => [0x80, 2, 0x8a, 10].every((byte, i) => bytes[i] === byte);

/** The tensors of a dictionary, or of the one that it has under `entry`. */
function stateDict(value: unknown, entry: string | undefined): ReadonlyMap<string, StridedTensor> {
  if (!(value instanceof Map)) throw fault('the file must hold a dictionary of tensors, it holds something else');
  const chosen = entry === undefined ? value : value.get(entry);
  const dictionaries = [...value].filter(([, each]) => each instanceof Map).map(([key]) => quoted(String(key)));
  const hint = `has dictionaries under ${dictionaries.slice(0, 9).join(', ') || 'no key'}`;
  if (!(chosen instanceof Map)) throw fault(`the file has no dictionary under entry ${quoted(entry!)}; it ${hint}`);
  for (const [name, tensor] of chosen)
    if (typeof name !== 'string' || !(tensor instanceof StridedTensor))
      throw fault(
        `${quoted(String(name))} is no tensor; entry names a dictionary of tensors in the file, which ${hint}`,
      );
  return chosen;
}
