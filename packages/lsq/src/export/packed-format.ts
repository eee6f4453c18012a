import * as tf from '@tensorflow/tfjs-core';
import { packedBytes } from '../model/model-size';
import { BITS } from '../quantizer/grid';
import { packCodes, unpackCodes } from './bit-packing';
import { crc32 } from './checksum';
import type { FloatArtifacts } from './float-artifacts';

/**
 * The packed format, version 1: the artifacts of a plain model whose weight data hold, tensor after tensor in the order
 * of the header, either the float32 values, or of a quantized kernel the float32 steps and then its codes as
 * `packCodes` packs them. All numbers are little-endian. The header lies in `userDefinedMetadata` under `qgen`, which
 * every handler of tfjs keeps; its CRC-32 covers the graph, the tensors' descriptions and the weight data, the first two
 * as JSON with the keys of every object in the order of their names, whatever order a writer of JSON has put them in since.
 */
interface Header {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly checksum: string;
  readonly tensors: readonly TensorEntry[];
}

interface TensorEntry {
  readonly name: string;
  readonly shape: readonly number[];
  /** Of a quantized kernel: its value is fl(code · step), the step spread over the axes where its shape is 1. */
  readonly codes?: { readonly bits: number; readonly qn: number; readonly stepShape: readonly number[] };
}

const FORMAT = 'qgen-packed';
const VERSION = 1;
const KEY = 'qgen';
// tf.loadLayersModel shows this to someone who opens a packed file with it.
const SPEC_NAME = 'packed codes, to be read with loadQuantized';

/** Artifacts in the packed format. */
export function packArtifacts({ artifacts, kernels }: FloatArtifacts): tf.io.ModelArtifacts {
  const data = joined(artifacts.weightData);
  const tensors: TensorEntry[] = [];
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const { name, shape, dtype } of artifacts.weightSpecs) {
    if (dtype !== 'float32')
      throw new RangeError(`exportQuantized: weight ${name} is ${dtype}; the packed format holds float32 weights only`);
    const end = offset + 4 * tf.util.sizeFromShape(shape);
    const kernel = kernels.get(name);
    if (kernel) {
      const { bits, qn, step, stepShape, codes } = kernel;
      tensors.push({ name, shape, codes: { bits, qn, stepShape } });
      parts.push(bytesOf(step), packCodes(codes, bits, qn));
    } else {
      tensors.push({ name, shape });
      parts.push(data.subarray(offset, end));
    }
    offset = end;
  }
  const weights = concatenated(parts);
  // Sorted here too, so that a reader which takes the keys as they come finds the same checksum.
  const [modelTopology, described] = sorted([artifacts.modelTopology, tensors]) as [object, TensorEntry[]];
  const header: Header = {
    format: FORMAT,
    version: VERSION,
    checksum: checksum([modelTopology, described], weights),
    tensors: described,
  };
  return {
    ...artifacts,
    modelTopology,
    userDefinedMetadata: { ...artifacts.userDefinedMetadata, [KEY]: header },
    // The type of one byte an element.
    weightSpecs: [{ name: SPEC_NAME, shape: [weights.length], dtype: 'bool' }],
    weightData: weights.buffer as ArrayBuffer,
  };
}

export function isPacked(artifacts: tf.io.ModelArtifacts): boolean {
  const header = (artifacts.userDefinedMetadata as Record<string, unknown> | undefined)?.[KEY];
  return header !== undefined || artifacts.weightSpecs?.[0]?.name === SPEC_NAME;
}

/** The artifacts of the plain model, with float32 weights. Throws an Error that says in what the file is damaged. */
export function unpackArtifacts(artifacts: tf.io.ModelArtifacts): tf.io.ModelArtifacts {
  const { [KEY]: found, ...metadata } = (artifacts.userDefinedMetadata ?? {}) as Record<string, unknown>;
  const header = checkedHeader(found);
  const data = joined(artifacts.weightData);
  const expected = header.tensors.reduce((sum, entry) => sum + entryBytes(entry), 0);
  if (data.length !== expected)
    throw new Error(
      `loadQuantized: the weights are ${data.length < expected ? 'truncated' : 'too long'}, ${data.length} bytes where the header tells of ${expected}; fetch or export the model again`,
    );
  const described = [artifacts.modelTopology, header.tensors];
  // Files of 0.1.0 have the keys as they came.
  if (![described, sorted(described)].some((each) => checksum(each, data) === header.checksum))
    throw new Error('loadQuantized: the checksum is wrong, the file is damaged; fetch or export the model again');
  const values = header.tensors.map((entry) => tf.util.sizeFromShape([...entry.shape]));
  const weights = new Float32Array(values.reduce((sum, size) => sum + size, 0));
  let [offset, at] = [0, 0];
  for (const [index, entry] of header.tensors.entries()) {
    const size = values[index];
    const bytes = data.slice(offset, offset + entryBytes(entry));
    weights.set(entry.codes ? kernelValues(entry, entry.codes, bytes) : new Float32Array(bytes.buffer), at);
    offset += bytes.length;
    at += size;
  }
  const { userDefinedMetadata: _, ...rest } = artifacts;
  return {
    ...rest,
    ...(Object.keys(metadata).length > 0 && { userDefinedMetadata: metadata }),
    weightSpecs: header.tensors.map(({ name, shape }) => ({ name, shape: [...shape], dtype: 'float32' })),
    weightData: weights.buffer,
  } as tf.io.ModelArtifacts;
}

function checkedHeader(found: unknown): Header {
  const header = found as Partial<Header> | null;
  if (header?.format !== FORMAT)
    throw new Error(`loadQuantized: the format is ${header?.format} and not ${FORMAT}; export the model again`);
  if (header.version !== VERSION)
    throw new Error(
      `loadQuantized: the file has version ${header.version} of the packed format and this package reads version ${VERSION}; use the @qgen/lsq that wrote it, or export the model again`,
    );
  const whole = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
  const sound =
    Array.isArray(header.tensors) &&
    header.tensors.every(Boolean) &&
    header.tensors.every(
      ({ name, shape, codes }: TensorEntry) =>
        typeof name === 'string' &&
        Array.isArray(shape) &&
        shape.every(whole) &&
        (codes === undefined ||
          (whole(codes?.bits) &&
            codes.bits >= BITS.lowest &&
            codes.bits <= BITS.highest &&
            Number.isInteger(codes.qn) &&
            Array.isArray(codes.stepShape) &&
            codes.stepShape.every(whole))),
    );
  if (!sound) throw new Error('loadQuantized: the header is damaged; fetch or export the model again');
  return header as Header;
}

function entryBytes({ shape, codes }: TensorEntry): number {
  const size = tf.util.sizeFromShape([...shape]);
  return codes ? 4 * tf.util.sizeFromShape([...codes.stepShape]) + packedBytes(size, codes.bits) : 4 * size;
}

function kernelValues(
  { shape }: TensorEntry,
  { bits, qn, stepShape }: NonNullable<TensorEntry['codes']>,
  bytes: Uint8Array,
): Float32Array {
  const fits = stepShape.every((size, axis) => size === 1 || size === shape[axis]);
  if (!fits || (stepShape.length > 0 && stepShape.length !== shape.length))
    throw new Error(
      `loadQuantized: steps of shape [${stepShape}] do not fit a kernel of shape [${shape}]; export the model again`,
    );
  const count = tf.util.sizeFromShape([...stepShape]);
  const steps = new Float32Array(bytes.buffer, 0, count);
  const codes = unpackCodes(bytes.subarray(4 * count), tf.util.sizeFromShape([...shape]), bits, qn);
  const strides = tf.util.computeStrides([...shape]).concat(1);
  const stepStrides = tf.util.computeStrides([...stepShape]).concat(1);
  const values = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    let at = 0;
    for (let axis = 0; axis < stepShape.length; axis++)
      if (stepShape[axis] > 1) at += (Math.floor(i / strides[axis]) % shape[axis]) * stepStrides[axis];
    values[i] = codes[i] * steps[at];
  }
  return values;
}

function checksum(described: unknown, weights: Uint8Array): string {
  return crc32(new TextEncoder().encode(JSON.stringify(described)), weights);
}

/** A JSON value with the keys of its objects in order, which not every writer of JSON keeps. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
}

function joined(data: tf.io.WeightData | undefined): Uint8Array {
  return new Uint8Array(data === undefined ? new ArrayBuffer(0) : tf.io.CompositeArrayBuffer.join(data));
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
