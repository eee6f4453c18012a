/** How the numbers of a tensor are stored in a safetensors file: how many bytes each takes, and how to read them as float32. */
export interface StoredFormat {
  readonly bytes: number;
  /** Undefined for integers and the like, which are no weights. `bytes` is aligned for any element. */
  readonly decode?: (bytes: Uint8Array<ArrayBuffer>) => Float32Array<ArrayBuffer>;
}

const integer = (bytes: number): StoredFormat => ({ bytes });

/** The formats of safetensors 0.5, https://github.com/huggingface/safetensors. */
export const FORMATS: Readonly<Record<string, StoredFormat>> = {
  BOOL: integer(1),
  U8: integer(1),
  I8: integer(1),
  F8_E5M2: integer(1),
  F8_E4M3: integer(1),
  I16: integer(2),
  U16: integer(2),
  F16: { bytes: 2, decode: (bytes) => fromWords(new Uint16Array(bytes.buffer), halfToSingle) },
  BF16: { bytes: 2, decode: (bytes) => fromWords(new Uint16Array(bytes.buffer), (word) => word << 16) },
  I32: integer(4),
  U32: integer(4),
  F32: { bytes: 4, decode: (bytes) => new Float32Array(bytes.buffer) },
  F64: { bytes: 8, decode: (bytes) => new Float32Array(new Float64Array(bytes.buffer)) },
  I64: integer(8),
  U64: integer(8),
};

function fromWords(words: Uint16Array, toBits: (word: number) => number): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(words.length);
  for (let i = 0; i < words.length; i++) bits[i] = toBits(words[i]);
  return new Float32Array(bits.buffer);
}

/** The bits of the float32 with the value of an IEEE 754 binary16: the exponent's bias is 127 instead of 15. */
function halfToSingle(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  let fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Subnormal in half, normal in single: the leading bit moves to where it is implied.
  let shifts = 0;
  for (; (fraction & 0x400) === 0; fraction <<= 1) shifts++;
  return sign | ((113 - shifts) << 23) | ((fraction & 0x3ff) << 13);
}
