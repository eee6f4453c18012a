import { layers, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { through } from './through';

/**
 * Stochastic depth (Huang et al. 2016) by example: in training the whole tensor of an example is 0 with probability
 * `rate`, and divided by 1 - rate otherwise. No layer where rate is 0.
 */
export function dropPath(x: SymbolicTensor, name: string, rate: number): SymbolicTensor {
  if (rate === 0) return x;
  const noiseShape = x.shape.map((_, axis) => (axis === 0 ? null : 1)) as number[];
  return through(layers.dropout({ name, rate, noiseShape }), x);
}

/** The rate of block i of n: it grows linearly from 0 at the first to `greatest` at the last. */
export const dropPathRate = (greatest: number, i: number, n: number): number => (n > 1 ? (greatest * i) / (n - 1) : 0);

/** @throws RangeError unless the rate of dropping lies in [0, 1) */
export function requireRate(caller: string, name: string, rate: number): void {
  if (!(rate >= 0 && rate < 1))
    throw new RangeError(`${caller}: ${name} must be at least 0 and less than 1, got ${rate}`);
}
