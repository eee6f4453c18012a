import { FORMATS } from './float-formats';
import { repeatedKey } from './unique-keys';

/** A tensor of a safetensors file. */
export interface StoredTensor {
  /** As in the file: 'F32', 'F16', 'BF16', 'F64', 'I64', … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /**
   * The numbers as float32, row by row, read anew in every call; F64 is rounded.
   *
   * @throws RangeError if dtype is no float
   */
  readonly values: () => Float32Array<ArrayBuffer>;
}

/** The bytes of the header's length. */
const LENGTH = 8;
/** The longest header that the reference implementation reads. */
const MAX_HEADER = 100_000_000;

/** A name in a header with what stands there, checked as far as it can be alone. */
interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * The tensors of a safetensors file (https://github.com/huggingface/safetensors), by name in the order of the header. No
 * tensor is copied before its `values` are asked for. As in the reference implementation, the data must be covered by the
 * tensors without overlap or hole.
 *
 * @throws TypeError if `bytes` is no Uint8Array, RangeError on anything else that is wrong with the file: a header that is
 *   truncated, longer than the file or no JSON object with unique keys, a dtype that is unknown, a shape whose product
 *   overflows, ranges that don't fit their shape, overlap, leave a hole or end outside
 */
export function readSafetensors(bytes: Uint8Array): ReadonlyMap<string, StoredTensor> {
  if (!(bytes instanceof Uint8Array))
    throw new TypeError(`readSafetensors: bytes must be the Uint8Array of a file, got ${typeof bytes}`);
  const start = headerEnd(bytes);
  const entries = Object.entries(header(bytes.subarray(LENGTH, start)))
    .filter(([name, value]) => name !== '__metadata__' || !isMetadata(value))
    .map(([name, value]) => entry(name, value));
  requireCovered(entries, bytes.length - start);
  return new Map(
    entries.map(({ name, dtype, shape, begin, end }) => {
      const { decode } = FORMATS[dtype];
      const values = () => {
        if (!decode) throw fault(`tensor ${quoted(name)} is ${dtype}, which is no float; leave it out`);
        // A copy of its own, so that the elements are aligned whatever the file's offsets.
        return decode(new Uint8Array(bytes.subarray(start + begin, start + end)));
      };
      return [name, { dtype, shape, values }];
    }),
  );
}

const fault = (what: string) => new RangeError(`readSafetensors: ${what}`);
/** At most 60 characters of what a file says, for a message. */
const quoted = (value: unknown) => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

/** Where the header ends and the data begins. */
function headerEnd(bytes: Uint8Array): number {
  if (bytes.length < LENGTH) throw fault(`a file starts with ${LENGTH} bytes of length, got ${bytes.length} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH).getBigUint64(0, true);
  if (length > MAX_HEADER)
    throw fault(`the header may have ${MAX_HEADER} bytes, this file says ${length}; is it safetensors?`);
  if (length > bytes.length - LENGTH)
    throw fault(`the header has ${length} bytes and the file ${bytes.length}; the file is cut off`);
  return LENGTH + Number(length);
}

function header(bytes: Uint8Array): Record<string, unknown> {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    throw fault(`the header is no JSON (${(error as Error).message})`);
  }
  if (!isObject(value)) throw fault(`the header must be a JSON object, got ${quoted(value)}`);
  const key = repeatedKey(text);
  if (key !== undefined) throw fault(`the header has the key ${quoted(key)} twice`);
  return value;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isMetadata(value: unknown): boolean {
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === 'string'))
    throw fault(`__metadata__ must be an object of strings, got ${quoted(value)}`);
  return true;
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function entry(name: string, value: unknown): Entry {
  const at = `tensor ${quoted(name)}`;
  if (!isObject(value)) throw fault(`${at} must be an object, got ${quoted(value)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(FORMATS, dtype))
    throw fault(`${at} has dtype ${quoted(dtype)}; known are ${Object.keys(FORMATS).join(', ')}`);
  if (!Array.isArray(shape) || !shape.every(isSize)) throw fault(`${at} has shape ${quoted(shape)}`);
  let size = FORMATS[dtype].bytes;
  for (const length of shape) {
    size *= length;
    if (!Number.isSafeInteger(size)) throw fault(`${at} has shape ${quoted(shape)}, more elements than can be counted`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize))
    throw fault(`${at} has data_offsets ${quoted(offsets)}; they must be two positions`);
  const [begin, end] = offsets as [number, number];
  if (end - begin !== size)
    throw fault(
      `${at} has ${size} bytes by dtype ${dtype} and shape ${quoted(shape)}, and data_offsets ${quoted(offsets)}`,
    );
  return { name, dtype, shape, begin, end };
}

/** @throws RangeError unless the ranges follow each other from 0 to `bytes` */
function requireCovered(entries: readonly Entry[], bytes: number): void {
  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered)
      throw fault(
        `tensor ${quoted(name)} begins at ${begin} where the one before ends at ${covered}; tensors must follow each other`,
      );
    covered = end;
  }
  if (covered !== bytes) throw fault(`the tensors have ${covered} bytes and the file holds ${bytes} after its header`);
}
