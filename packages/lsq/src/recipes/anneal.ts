import { requireOneOf, shown } from '@qgen/core';
import type * as tf from '@tensorflow/tfjs-core';
import { Callback } from '@tensorflow/tfjs-layers';
import type { Schedule } from './schedules';

/**
 * A callback of `fit` that sets a number along a schedule: the `weight` of an `oscillationRegularizer`, the `threshold` of
 * a `freezeOscillating`, the `'learningRate'` of an optimizer. t is the number of the epoch, or of the batches that this
 * callback has seen begin, across epochs and fits.
 *
 * @throws RangeError if the target has no such number or `per` is neither
 * @throws TypeError if the schedule is no function
 */
export function anneal(
  target: tf.Optimizer,
  field: 'learningRate',
  schedule: Schedule,
  per: 'epoch' | 'batch',
): Callback;
export function anneal<Field extends string>(
  target: Record<Field, number>,
  field: Field,
  schedule: Schedule,
  per: 'epoch' | 'batch',
): Callback;
export function anneal(target: object, field: string, schedule: Schedule, per: 'epoch' | 'batch'): Callback {
  const name = 'anneal';
  const numbers = target as Record<string, number>;
  if (typeof target !== 'object' || target === null || typeof numbers[field] !== 'number')
    throw new RangeError(`${name}: the target has no number called ${field}, got ${shown(target)}`);
  if (typeof schedule !== 'function')
    throw new TypeError(`${name}: schedule must be a function, as annealed({ … }) makes one, got ${shown(schedule)}`);
  requireOneOf(name, 'per', per, ['epoch', 'batch']);
  const { setLearningRate } = target as { setLearningRate?: (rate: number) => void };
  // Stochastic gradient descent keeps a tensor beside the number.
  const set =
    field === 'learningRate' && setLearningRate
      ? (value: number) => setLearningRate.call(target, value)
      : (value: number) => {
          numbers[field] = value;
        };
  return new Annealing((t) => set(schedule(t)), per);
}

class Annealing extends Callback {
  private batches = 0;

  constructor(
    private readonly set: (t: number) => void,
    private readonly per: 'epoch' | 'batch',
  ) {
    super();
  }

  override async onEpochBegin(epoch: number): Promise<void> {
    if (this.per === 'epoch') this.set(epoch);
  }

  override async onBatchBegin(): Promise<void> {
    if (this.per === 'batch') this.set(this.batches++);
  }
}
