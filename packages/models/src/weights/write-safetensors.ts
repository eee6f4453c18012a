/** Numbers with a shape, row by row: what `pyTorchWeights` gives and what `readSafetensors` gives. */
export interface WeightTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | (() => Float32Array);
}

export const valuesOf = ({ values }: WeightTensor): Float32Array => (typeof values === 'function' ? values() : values);

/**
 * A safetensors file (https://github.com/huggingface/safetensors) of float32 tensors, in the order given. What `pyTorchWeights`
 * gives becomes a file that `safetensors.torch.load_file` opens.
 *
 * @throws TypeError if `tensors` is no Map, RangeError if the name of a tensor is `__metadata__` or its values don't fill
 *   its shape
 */
export function writeSafetensors(tensors: ReadonlyMap<string, WeightTensor>): Uint8Array<ArrayBuffer> {
  if (typeof tensors?.get !== 'function')
    throw new TypeError(`writeSafetensors: tensors must be a Map of names to { shape, values }, got ${typeof tensors}`);
  const header: Record<string, unknown> = Object.create(null);
  // What PyTorch's own tools write, and some of them ask for.
  header.__metadata__ = { format: 'pt' };
  const data: Float32Array[] = [];
  let end = 0;
  for (const [name, tensor] of tensors) {
    if (name === '__metadata__')
      throw new RangeError(`writeSafetensors: no tensor may be called __metadata__, which the format keeps for itself`);
    const values = valuesOf(tensor);
    const { shape } = tensor;
    const size = shape.reduce((product, length) => product * length, 1);
    if (!(values instanceof Float32Array) || values.length !== size)
      throw new RangeError(
        `writeSafetensors: tensor ${name} of shape ${JSON.stringify(shape)} needs a Float32Array of ${size} values, got ${values?.length} in a ${values?.constructor?.name}`,
      );
    const begin = end;
    end += values.byteLength;
    header[name] = { dtype: 'F32', shape, data_offsets: [begin, end] };
    data.push(values);
  }
  // Spaces bring the data to a multiple of 8 bytes, so that it can be mapped.
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + length + end).fill(0x20, 8, 8 + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, 8);
  let at = 8 + length;
  for (const values of data) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return bytes;
}
