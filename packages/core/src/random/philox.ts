/**
 * Where a draw lies: element i of a draw is element `offset + i` of the sequence of (`seed`, `stream`), so any slice of
 * a sequence can be drawn alone. All three are integers from 0 to 2^53 - 1; `stream` and `offset` are 0 by default.
 */
export interface RandomAddress {
  readonly seed: number;
  readonly stream?: number;
  readonly offset?: number;
}

/** An address in the 32-bit words of the generator. */
export interface PhiloxAddress {
  /** The key: the low and the high word of the seed. */
  readonly key: readonly [number, number];
  /** Words 2 and 3 of the counter: the low and the high word of the stream. */
  readonly stream: readonly [number, number];
  /** The first element that is drawn. */
  readonly offset: number;
}

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** The high word of the product of unsigned 32-bit integers, from halves; every step is an integer operation. */
function multiplyHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0;
  const low = (Math.imul(a0, b1) + (middle & 0xffff)) | 0;
  return (Math.imul(a1, b1) + (middle >>> 16) + (low >>> 16)) | 0;
}

/**
 * Philox4x32-10, Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011), section 3.3: encrypts the four
 * counter words c with the two key words k and writes the four resulting words to `out` from `at` on.
 */
export function philoxBlock(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
  out: Int32Array,
  at: number,
): void {
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    c0 = high1 ^ c1 ^ k0;
    c2 = high0 ^ c3 ^ k1;
    c1 = low1;
    c3 = low0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  out[at] = c0;
  out[at + 1] = c1;
  out[at + 2] = c2;
  out[at + 3] = c3;
}

const words = (value: number): readonly [number, number] => [value | 0, Math.floor(value / 2 ** 32) | 0];

/** Checks an address and cuts it into words; `name` is the caller's, for the error message. */
export function philoxAddress(name: string, n: number, { seed, stream = 0, offset = 0 }: RandomAddress): PhiloxAddress {
  for (const [field, value] of Object.entries({ seed, stream, offset }))
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${name}: ${field} must be an integer from 0 to 2^53 - 1, got ${value}`);
  if (!Number.isSafeInteger(offset + n))
    throw new RangeError(`${name}: offset + number of elements must not pass 2^53 - 1, got ${offset} + ${n}`);
  return { key: words(seed), stream: words(stream), offset };
}

/** Writes elements first, first + 1, … of the sequence to `out`. */
function fillBits(out: Int32Array, { key, stream, offset }: PhiloxAddress): void {
  const [k0, k1] = key;
  const [s0, s1] = stream;
  const block = new Int32Array(4);
  let i = 0;
  let counter = Math.floor(offset / 4);
  let skip = offset % 4;
  while (i < out.length) {
    const whole = skip === 0 && i + 4 <= out.length;
    philoxBlock(counter | 0, Math.floor(counter / 2 ** 32), s0, s1, k0, k1, whole ? out : block, whole ? i : 0);
    if (whole) i += 4;
    else for (; skip < 4 && i < out.length; skip++) out[i++] = block[skip];
    skip = 0;
    counter++;
  }
}

/** The form of a draw: `value * scale + shift`, each step rounded to float32; bits stay as they are. */
export type RandomKind = 'bits' | 'uniform' | 'normal';

/** n elements of a sequence: Int32Array for bits, Float32Array for the others. */
export function draw(
  kind: RandomKind,
  n: number,
  address: PhiloxAddress,
  scale: number,
  shift: number,
): Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer> {
  if (kind === 'normal') return drawNormals(n, address, Math.fround(scale), Math.fround(shift));
  const bits = new Int32Array(n);
  fillBits(bits, address);
  return kind === 'bits' ? bits : toUniforms(bits, Math.fround(scale), Math.fround(shift));
}

/** In place. */
function toUniforms(bits: Int32Array<ArrayBuffer>, scale: number, shift: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(bits.buffer);
  for (let i = 0; i < out.length; i++) out[i] = Math.fround((bits[i] >>> 8) * 2 ** -24 * scale) + shift;
  return out;
}

function drawNormals(n: number, address: PhiloxAddress, scale: number, shift: number): Float32Array<ArrayBuffer> {
  const skip = address.offset % 2;
  const out = new Float32Array(n);
  // Whole pairs, so that the first and the last element have their partner.
  const bits = new Int32Array(n + skip + ((n + skip) % 2));
  fillBits(bits, { ...address, offset: address.offset - skip });
  for (let i = 0; i < bits.length; i += 2) {
    const u = Math.fround(((bits[i] >>> 0) + 0.5) * 2 ** -32);
    const b = bits[i + 1];
    const angle = (b & 0xffffff) * ((Math.PI / 2) * 2 ** -24);
    const r = Math.sqrt(-2 * Math.log(u)) * scale;
    // Writes outside a typed array are ignored, which drops the partners again.
    out[i - skip] = Math.fround((b < 0 ? -r : r) * Math.cos(angle)) + shift;
    out[i - skip + 1] = Math.fround(b & 0x40000000 ? -r * Math.sin(angle) : r * Math.sin(angle)) + shift;
  }
  return out;
}

function drawNamed(name: string, kind: RandomKind, n: number, address: RandomAddress) {
  if (!Number.isSafeInteger(n) || n < 0)
    throw new RangeError(`${name}: n must be the number of elements to draw, got ${n}`);
  return draw(kind, n, philoxAddress(name, n, address), 1, 0);
}

/**
 * n random 32-bit integers, as signed ones. Element i is word (offset + i) mod 4 of the Philox4x32-10 block with the
 * counter (floor((offset + i) / 4), stream), each of them 64 bits low word first, and the key seed.
 *
 * @throws RangeError if n or a part of the address is not an integer from 0 to 2^53 - 1
 */
export function philoxBits(n: number, address: RandomAddress): Int32Array<ArrayBuffer> {
  return drawNamed('philoxBits', 'bits', n, address) as Int32Array<ArrayBuffer>;
}

/**
 * n random numbers, uniform over the multiples of 2^-24 in [0, 1): u_i = floor(bits_i / 2^8) / 2^24 with the unsigned
 * bits_i of `philoxBits`.
 *
 * @throws RangeError as `philoxBits`
 */
export function philoxUniforms(n: number, address: RandomAddress): Float32Array<ArrayBuffer> {
  return drawNamed('philoxUniforms', 'uniform', n, address) as Float32Array<ArrayBuffer>;
}

/**
 * n standard normal random numbers by the method of Box and Muller (1958), from the unsigned words a, b of each pair:
 *
 *     r = sqrt(-2 ln u),  u = float32((a + 1/2) / 2^32)      v = (b mod 2^24) / 2^24
 *     normal_2j = ± r cos(pi v / 2),  normal_2j+1 = ± r sin(pi v / 2),  negative where bit 31, bit 30 of b is set
 *
 * u and v are the same on every backend; the logarithm and the cosine are the only roundings that may differ.
 * |normal| <= sqrt(66 ln 2) = 6.76.
 *
 * @throws RangeError as `philoxBits`
 */
export function philoxNormals(n: number, address: RandomAddress): Float32Array<ArrayBuffer> {
  return drawNamed('philoxNormals', 'normal', n, address) as Float32Array<ArrayBuffer>;
}
