import type { Plane } from './color';
import { forwardDct, inverseDct } from './dct';

/**
 * A plane after coding and decoding: each 8×8 block transformed, quantized and transformed back. Blocks that
 * reach past the plane are filled with its last column and row.
 */
export function quantizedPlane({ height, width, samples }: Plane, table: Int32Array): Plane {
  const out = new Uint8ClampedArray(samples.length);
  const block = new Int32Array(64);
  for (let top = 0; top < height; top += 8)
    for (let left = 0; left < width; left += 8) {
      for (let i = 0; i < 64; i++) {
        const y = Math.min(top + (i >> 3), height - 1);
        const x = Math.min(left + (i & 7), width - 1);
        block[i] = samples[y * width + x] - 128;
      }
      forwardDct(block);
      for (let i = 0; i < 64; i++) block[i] = roundedQuotient(block[i], 8 * table[i]) * table[i];
      inverseDct(block);
      const bottom = Math.min(8, height - top);
      const right = Math.min(8, width - left);
      for (let y = 0; y < bottom; y++)
        for (let x = 0; x < right; x++) out[(top + y) * width + left + x] = block[8 * y + x] + 128;
    }
  return { height, width, samples: new Uint8Array(out.buffer) };
}

/** n / d rounded to the nearest integer, halves away from zero. */
const roundedQuotient = (n: number, d: number) =>
  n < 0 ? -Math.trunc((-n + (d >> 1)) / d) : Math.trunc((n + (d >> 1)) / d);
