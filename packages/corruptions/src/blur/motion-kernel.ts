import type { Taps } from '../filters/correlate';
import { numpySum } from '../filters/numpy-sum';

/**
 * ImageMagick's motion blur: 2 ⌈radius⌉ + 1 taps k_i ∝ exp(−i²/2σ²), i = 0, 1, …, at the pixels nearest to the points
 * i steps along the ray of `angle` degrees. Half a Gaussian, so the picture also moves.
 */
export function motionKernel(radius: number, sigma: number, angle: number): Taps {
  const count = 2 * Math.ceil(radius) + 1;
  const norm = Math.sqrt(2 * Math.PI) * sigma;
  const weights = Float64Array.from({ length: count }, (_, i) => Math.exp((-i * i) / (2 * (sigma * sigma))) / norm);
  const sum = numpySum(weights);
  const cosine = Math.cos((angle * Math.PI) / 180);
  const sine = Math.sin((angle * Math.PI) / 180);
  return {
    weights: weights.map((weight) => weight / sum),
    dx: Int32Array.from(weights, (_, i) => Math.ceil(i * cosine - 0.5)),
    dy: Int32Array.from(weights, (_, i) => Math.ceil(i * sine - 0.5)),
  };
}

/** The kernel without what follows the first tap that reaches past the image, as imagecorruptions cuts it. */
export function cutToFit({ weights, dx, dy }: Taps, height: number, width: number): Taps {
  let count = 0;
  while (count < weights.length && Math.abs(dy[count]) < height && Math.abs(dx[count]) < width) count++;
  return { weights: weights.subarray(0, count), dx: dx.subarray(0, count), dy: dy.subarray(0, count) };
}

/**
 * The 8-bit level of a sum of 8-bit levels, as ImageMagick 6.9.10-68 and before has it: rounded to 16 bits (level × 257),
 * then to 8. Later versions truncate the second step; the published data are of 2018.
 */
export function throughQuantum(sum: number): number {
  const quantum = Math.floor(sum * 257 + 0.5) + 128;
  return (quantum - (quantum >> 8)) >> 8;
}
