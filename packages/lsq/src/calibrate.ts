import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { activationQuantizers } from './activation-quantizers';
import { STEP_RANGE } from './step-size';

export interface CalibrateOptions {
  /** Examples per batch. Default 32. */
  readonly batchSize?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Sets the step (and offset) of every activation quantizer from data, in place of the first training batch.
 *
 * Each takes the mean of its initial step over the batches, in one pass in inference mode: what a layer sees has gone
 * through the quantizers before it, with the steps they have so far. `xs` is what `model.predict` takes; a few hundred
 * examples do. Steps that were set before are set anew; on an error or an abort all are left as they were.
 *
 * @throws RangeError if the model quantizes no activations, there are no examples, or they make a step NaN (naming it)
 * @throws the signal's reason when aborted
 */
export async function calibrate(
  model: LayersModel,
  xs: tf.Tensor | readonly tf.Tensor[],
  { batchSize = 32, onProgress, signal }: CalibrateOptions = {},
): Promise<void> {
  const found = activationQuantizers(model);
  if (found.length === 0)
    throw new RangeError('calibrate: the model quantizes no activations; pass activations to quantizeModel');
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new RangeError(`calibrate: batchSize must be an integer from 1 up, got ${batchSize}`);
  const inputs = Array.isArray(xs) ? (xs as readonly tf.Tensor[]) : [xs as tf.Tensor];
  const total = inputs[0]?.shape[0] ?? 0;
  if (total === 0) throw new RangeError('calibrate: xs holds no examples; give it a few hundred');
  const before = found.map(({ quantizer }) => ({
    quantizer,
    initialized: quantizer.initialized,
    values: quantizer.weights.map((weight) => tf.clone(weight.read())),
  }));
  let done = false;
  try {
    for (const { quantizer } of found) quantizer.calibrating = 0;
    for (let start = 0; start < total; start += batchSize) {
      signal?.throwIfAborted();
      const size = Math.min(batchSize, total - start);
      tf.tidy(() => {
        const batch = inputs.map((input) => tf.slice(input, start, size));
        model.predict(batch.length === 1 ? batch[0]! : batch, { batchSize: size });
      });
      onProgress?.(start + size, total);
      await tf.nextFrame();
    }
    for (const { path, quantizer } of found)
      for (const weight of quantizer.weights) {
        const values = await weight.read().data();
        if (!values.every((value) => Math.abs(value) < STEP_RANGE.largest / total))
          throw new RangeError(
            `calibrate: the activations that go into layer ${path} are not finite; look for NaN in xs or the weights`,
          );
      }
    done = true;
  } finally {
    for (const { quantizer, initialized, values } of before) {
      quantizer.calibrating = null;
      if (!done) {
        quantizer.initialized = initialized;
        for (const [index, value] of values.entries()) quantizer.weights[index]!.write(value);
      }
      tf.dispose(values);
    }
  }
}
