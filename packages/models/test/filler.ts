/**
 * The numbers that stand for weights and images in the goldens: a hash of a name, so that no file of weights is needed.
 * The README beside the goldens defines them.
 */

/** `count` numbers in [0, 1): FNV-1a of the key, then murmur3's finalizer of that plus multiples of the golden ratio. */
function uniforms(key: string, count: number): Float64Array {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(key)) hash = Math.imul(hash ^ byte, 0x01000193);
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let x = (hash + Math.imul(i, 0x9e3779b9)) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    out[i] = ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  }
  return out;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

const small = /^(layer\d+\.\d+\.bn[23]|features\.\d+\.conv\.[23])\.weight$/;
const large = /^features\.(2\.conv\.[01]|0|18)\.1\.weight$/;

/** The tensor called `name` of PyTorch's shape. */
export function filled(seed: number, name: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const u = uniforms(`${seed}:${name}`, sizeOf(shape));
  return Float32Array.from(u, element(name, shape));
}

function element(name: string, shape: readonly number[]): (u: number) => number {
  const last = name.slice(name.lastIndexOf('.') + 1);
  const fan = sizeOf(shape) / shape[0]!;
  if (last === 'running_mean') return (u) => 0.2 * (2 * u - 1);
  if (last === 'running_var') return (u) => 0.5 + u;
  if (['cls_token', 'pos_embed', 'relative_position_bias_table'].includes(last)) return (u) => 0.5 * (2 * u - 1);
  if (last === 'bias') return (u) => 0.1 * (2 * u - 1);
  if (shape.length === 1) {
    const factor = small.test(name) ? 0.3 : large.test(name) ? 4 : 1;
    return (u) => (0.75 + 0.5 * u) * factor;
  }
  const bound = Math.sqrt((shape.length === 4 ? 6 : 3) / fan);
  return (u) => (2 * u - 1) * bound;
}

/** Images of PyTorch's shape [N, C, H, W] in -1..1. */
export const filledImages = (seed: number, shape: readonly number[]): Float32Array<ArrayBuffer> =>
  Float32Array.from(uniforms(`${seed}:input`, sizeOf(shape)), (u) => 2 * u - 1);
