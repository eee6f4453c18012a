import type { RandomAccessData } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { expect } from 'vitest';

/** A small net with everything that has state: convolution, batch normalization with odd statistics, dropout, dense. */
export function smallNet(): tfl.LayersModel {
  const model = tfl.sequential({
    layers: [
      tfl.layers.conv2d({ inputShape: [6, 6, 2], filters: 3, kernelSize: 3, padding: 'same', name: 'conv' }),
      tfl.layers.batchNormalization({ name: 'norm' }),
      tfl.layers.reLU(),
      tfl.layers.dropout({ rate: 0.5 }),
      tfl.layers.flatten(),
      tfl.layers.dense({ units: 3, name: 'logits' }),
    ],
  });
  for (const [k, weight] of model.weights.entries()) {
    const variance = weight.originalName.endsWith('variance') ? 1 : 0;
    const values = Array.from(
      { length: tf.util.sizeFromShape(weight.shape as number[]) },
      (_, i) => variance + 0.4 * Math.sin(7 * i + 3 * k),
    );
    const tensor = tf.tensor(values, weight.shape as number[]);
    weight.write(tensor);
    tensor.dispose();
  }
  return model;
}

/** Two dozen examples for `smallNet`. */
export const smallData = {
  xs: Float32Array.from({ length: 24 * 72 }, (_, i) => Math.sin(1.3 * i) + Math.cos(0.37 * i * i)),
  ys: Int32Array.from({ length: 24 }, (_, i) => (i * i) % 3),
  shape: [6, 6, 2],
};

/** Every weight of a model, statistics included, as bytes. */
export function weightBytes(model: tfl.LayersModel): string {
  return model.weights
    .map((weight) => {
      const values = weight.read().dataSync();
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength).join();
    })
    .join('\n');
}

/**
 * Runs `work` on `smallNet`: whole, with an example that can't be read, and with an abort while an example is read, at
 * random moments. Every time all weights must be bit for bit what they were, no tensor may be left, and what stopped
 * the work must come out.
 */
export async function expectRestored(
  work: (model: tfl.LayersModel, data: RandomAccessData, signal?: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const model = smallNet();
  let reads = 0;
  const dataThat = (atRead: (read: number) => void): RandomAccessData => ({
    size: smallData.ys.length,
    batch: (indices) => {
      atRead(reads++);
      const xs = Array.from(indices, (i) => smallData.xs.subarray(i * 72, (i + 1) * 72));
      return {
        xs: tf.tensor(Float32Array.from(xs.flatMap((row) => [...row])), [indices.length, 6, 6, 2]),
        ys: Int32Array.from(indices, (i) => smallData.ys[i]!),
      };
    },
  });
  const whole = dataThat(() => {});
  await work(model, whole);
  const total = reads;
  const before = weightBytes(model);
  const tensors = tf.memory().numTensors;
  await work(model, whole);
  expect(weightBytes(model)).toBe(before);
  expect(tf.memory().numTensors).toBe(tensors);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: total - 1 }), fc.boolean(), async (stopAt, abort) => {
      reads = 0;
      const controller = new AbortController();
      const reason = new Error(`stopped at read ${stopAt}`);
      const data = dataThat((read) => {
        if (read !== stopAt) return;
        if (!abort) throw reason;
        controller.abort(reason);
      });
      // An abort during the very last read may come too late to stop anything.
      const outcome = await work(model, data, controller.signal).catch((error: unknown) => error);
      if (!abort || stopAt < total - 1) expect(outcome).toBe(reason);
      expect(weightBytes(model)).toBe(before);
      expect(tf.memory().numTensors).toBe(tensors);
    }),
    { numRuns: 8 },
  );
  model.dispose();
}
