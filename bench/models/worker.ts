/** `worker.ts CASE ROUNDS` measures one case of ./cases and prints it as a line of JSON. */
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { registered, use } from '../networks/registered';
import { cases, type Measured } from './cases';

const [name, rounds] = process.argv.slice(2) as [string, string];
const { builder, options, batch } = cases[name]!;
await tf.setBackend('wasm');

const stock = registered();
const models = (await import('@qgen/models')) as unknown as Record<string, (options: object) => LayersModel>;
const { registerKernels } = await import('@qgen/kernels');
await registerKernels();
const ours = registered();

const model = models[builder]!(options);
const images = tf.randomUniform([batch, ...(model.inputs[0]!.shape.slice(1) as number[])], -1, 1, 'float32', 1);
const classes = model.outputs[0]!.shape[1] as number;
const labels = tf.oneHot(
  Array.from({ length: batch }, (_, i) => i % classes),
  classes,
);
const optimizer = tf.train.momentum(0.01, 0.9);

let bytesAfterForward = 0;
function step(): void {
  const loss = optimizer.minimize(() => {
    const logits = model.apply(images, { training: true }) as tf.Tensor;
    const value = tf.neg(tf.mean<tf.Scalar>(tf.sum(tf.mul(tf.logSoftmax(logits), labels), 1)));
    bytesAfterForward = tf.memory().numBytes;
    return value;
  }, true)!;
  loss.dataSync();
  loss.dispose();
}
function forward(): void {
  tf.tidy(() => (model.predict(images, { batchSize: batch }) as tf.Tensor).dataSync());
}

function milliseconds(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

const times = { stock: [] as number[], forward: [] as number[], step: [] as number[] };
for (let round = 0; round <= Number(rounds); round++) {
  use(stock);
  const ofStock = milliseconds(forward);
  use(ours);
  const ofForward = milliseconds(forward);
  const ofStep = milliseconds(step);
  // The first round fills caches.
  if (round === 0) continue;
  times.stock.push(ofStock);
  times.forward.push(ofForward);
  times.step.push(ofStep);
}
const ratio = (of: readonly number[]) => Number(median(times.step.map((value, i) => value / of[i]!)).toPrecision(3));
const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
const { wasm } = tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } };
const measured: Measured = {
  stepOverStockForward: ratio(times.stock),
  stepOverForward: ratio(times.forward),
  millisecondsOfStep: Math.round(median(times.step)),
  mebibytesAfterForward: mebibytes(bytesAfterForward),
  mebibytesOfHeap: mebibytes(wasm.HEAPU8.length),
};
console.log(JSON.stringify(measured));
