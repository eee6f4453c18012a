/**
 * Use with tfjs-node-gpu (CUDA): the same code on another backend. Everything of @qgen runs on the kernels that
 * tfjs-node has; install @tensorflow/tfjs-node-gpu first, on a machine with CUDA. Where it finds no CUDA it computes on the
 * CPU and doesn't say so: look at the first line that this prints.
 */
import { quantizeModel, summary } from '@qgen/lsq';
import { findSigma } from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import { digits, smallNetwork, trained } from './shared/digits';
import { tensorFlowDevice } from './shared/tensorflow-device';

const data = await digits();
const cuda = '@tensorflow/tfjs-node-gpu';
try {
  await import(cuda);
  await tf.setBackend('tensorflow');
  console.log(`TensorFlow computes on the ${tensorFlowDevice()}`);
} catch (error) {
  const [reason] = (error as Error).message.split('\n');
  console.log(`${cuda} did not load (${reason}), so this runs on ${tf.getBackend()}; npx pnpm add -w ${cuda}@4.22.0`);
}
const model = await trained(await quantizeModel(smallNetwork(), { bits: 4 }), data, 3);
console.log(summary(model));
const { value, ci95, status } = await findSigma(model, data.train, { seed: 1 });
const interval = ci95?.map((end) => end.toPrecision(3)).join(' to ');
console.log(`backend ${tf.getBackend()}: σ = ${value?.toPrecision(3)}, 95 % interval ${interval}, ${status}`);
