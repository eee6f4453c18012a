import { fakeQuantBackward, fakeQuantForward, gelu, layerNormalization, randomNormal } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import * as tl from '@tensorflow/tfjs-layers';
import { expect, it } from 'vitest';
import { kernels } from '../src/kernels';
import { numbers } from './cpu-and-wasm';

interface WasmInstance {
  readonly wasm: { readonly HEAPU8: Uint8Array };
  numDataIds(): number;
}

const quantized = tf.customGrad((...args) => {
  const [x, step, save] = args as unknown as [tf.Tensor, tf.Tensor, (tensors: tf.Tensor[]) => void];
  save([x, step]);
  return {
    value: fakeQuantForward(x, step, { qn: -3, qp: 3 }),
    gradFunc: (dy, saved) => {
      const { dx, dStep } = fakeQuantBackward(dy as tf.Tensor, saved[0], saved[1], { qn: -3, qp: 3 });
      return [dx, dStep];
    },
  };
});

it('1,000 training steps with every kernel leave tensors and heap as they were after step 10', async () => {
  await tf.setBackend('wasm');
  randomNormal([1], { seed: 0 }).dispose();
  const called = new Set<string>();
  for (const kernel of tf.getKernelsForBackend('wasm')) {
    const { kernelFunc } = kernel;
    kernel.kernelFunc = (args) => {
      called.add(kernel.kernelName);
      return kernelFunc(args);
    };
  }
  const model = tl.sequential({
    layers: [
      tl.layers.conv2d({ inputShape: [6, 6, 2], filters: 4, kernelSize: 3, strides: 2, padding: 'same' }),
      tl.layers.batchNormalization(),
      tl.layers.activation({ activation: 'relu6' }),
      tl.layers.depthwiseConv2d({ kernelSize: 2, padding: 'same', activation: 'relu' }),
      tl.layers.maxPooling2d({ poolSize: 2, strides: 1 }),
      tl.layers.flatten(),
      tl.layers.dense({ units: 3, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy' });
  const x = numbers([4, 6, 6, 2], 1);
  const y = tf.oneHot([0, 1, 2, 0], 3);
  const variables = {
    filter: tf.variable(numbers([2, 2, 2, 3], 2)),
    volume: tf.variable(numbers([2, 2, 2, 1, 2], 3) as tf.Tensor5D),
    narrow: tf.variable(numbers([2, 2, 2, 2, 1], 3) as tf.Tensor5D),
    table: tf.variable(numbers([5, 3], 4)),
    step: tf.variable(tf.scalar(0.3)),
  };
  const voxels = numbers([1, 3, 3, 3, 1], 5) as tf.Tensor5D;
  const optimizer = tf.train.momentum(0.001, 0.9);
  const loss = (seed: number) => (): tf.Scalar => {
    const weights = quantized(variables.filter, variables.step) as tf.Tensor4D;
    const image = tf.fused.conv2d({ x: x as tf.Tensor4D, filter: weights, strides: 1, pad: 'same' });
    const depthwise = tf.fused.depthwiseConv2d({ x: x as tf.Tensor4D, filter: weights, strides: 1, pad: 'same' });
    const rows = tf.gather(variables.table, tf.tensor1d([0, 2, 2, 4], 'int32'));
    const product = tf.einsum('ab,cb->ac', rows, tf.add(rows, randomNormal([4, 3], { seed })));
    const [left, right] = tf.split(tf.tile(tf.unstack(rows)[1], [2]), 2) as [tf.Tensor1D, tf.Tensor1D];
    const copies = tf.mul(tf.slice(left, 1, 2), tf.slice(right, 0, 2));
    const volume = tf.conv3d(
      tf.conv3d(voxels, variables.volume, 1, 'same') as tf.Tensor5D,
      variables.narrow,
      1,
      'valid',
    );
    const plain = tf.conv2d(x as tf.Tensor4D, weights, 2, 'same');
    const pooled = tf.avgPool(image, 2, 1, 'same');
    const pooledVolume = tf.avgPool3d(volume, 2, 1, 'same');
    const enlarged = tf.image.resizeNearestNeighbor(image, [1, 12]);
    const tokens = tf.transpose(tf.reshape(rows, [2, 2, 3]), [0, 1, 2]);
    const normalized = gelu(layerNormalization(tokens, null, null));
    const between = tf.minimum(tf.maximum(normalized, -1), 1);
    const parts = [image, depthwise, product, between, volume, plain, copies, pooled, pooledVolume, enlarged];
    return tf.addN(parts.map((part) => tf.mean(tf.square(part)))) as tf.Scalar;
  };
  const train = async (seed: number): Promise<void> => {
    await model.trainOnBatch(x, y);
    tf.dispose(optimizer.minimize(loss(seed), true)!);
  };
  const state = () => {
    const backend = tf.backend() as unknown as WasmInstance;
    return { tensors: tf.memory().numTensors, data: backend.numDataIds(), heap: backend.wasm.HEAPU8.length };
  };
  for (let seed = 0; seed < 10; seed++) await train(seed);
  const before = state();
  for (let seed = 10; seed < 1000; seed++) await train(seed);
  expect(state()).toEqual(before);

  const ours = kernels.filter(({ backendName }) => backendName === 'wasm').map(({ kernelName }) => kernelName);
  expect([...ours, 'QGenRandom'].filter((name) => !called.has(name))).toEqual([]);
});
