import '@tensorflow/tfjs-backend-wasm';
import { registerKernels } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors } from '../../../test/backends';
import { type ModelFiles, PRECISIONS, SIDE } from '../protocol';
import { type Digits, unpackDigits } from './digits';
import { type Net, openNet } from './net';

const picture = new Float32Array(SIDE * SIDE).fill(0.5);
let digits: Digits;

/** 1,500 pictures of noise with labels in turn, as digits.bin has them. */
function noise(): Uint8Array {
  const bytes = new Uint8Array(1500 * (SIDE * SIDE + 1));
  for (let i = 0; i < 1500 * SIDE * SIDE; i++) bytes[i] = (i * i) % 251;
  for (let i = 0; i < 1500; i++) bytes[1500 * SIDE * SIDE + i] = i % 10;
  return bytes;
}

async function filesOf(model: LayersModel): Promise<ModelFiles> {
  let files: ModelFiles | undefined;
  await model.save(
    tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
      const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      const bytes = tf.io.CompositeArrayBuffer.join(weightData);
      files = {
        topology: JSON.stringify({ modelTopology, weightsManifest }),
        weights: [{ name: 'weights.bin', bytes }],
      };
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  model.dispose();
  return files!;
}

describe('a network of the lab', () => {
  beforeAll(async () => {
    await tf.setBackend('wasm');
    await registerKernels();
    digits = unpackDigits(noise());
  });

  it('starts from the same weights at 32, 8, 4 and 2 bits, and has as many bins as the bits allow', async () => {
    const nets: Net[] = [];
    for (const bits of PRECISIONS) nets.push(await openNet(bits, { seed: 3 }, digits));
    const looks = await Promise.all(nets.map((net) => net.look(1, picture)));
    for (const { weights } of looks) expect(weights.weights).toEqual(looks[0].weights.weights);
    expect(looks.map(({ weights }) => weights.bins.length)).toEqual([0, 256, 16, 4]);
    expect(looks.map(({ steps }) => steps.length)).toEqual([0, 3, 3, 3]);
    for (const net of nets) expect(net.kernels).toEqual(['conv1', 'conv2', 'dense']);
    for (const net of nets) net.dispose();
  });

  it('trains to the step asked for and leaves no tensor behind', async () => {
    const leaked = await leakedTensors(async () => {
      const net = await openNet(2, { seed: 1 }, digits);
      expect((await net.train(3, 100)).step).toBe(3);
      expect((await net.train(3, 100)).step).toBe(3);
      expect(await net.row(1, 3)).toHaveLength(3);
      await net.look(0, picture);
      net.dispose();
    });
    expect(leaked).toBe(0);
  });

  it('reads the loss of a model by whether it returns logits or probabilities', async () => {
    const kernelInitializer = () => ({ className: 'RandomUniform', config: { seed: 1 } }) as never;
    const dense = (activation: 'linear' | 'softmax') =>
      sequential({
        layers: [
          layers.flatten({ inputShape: [SIDE, SIDE, 1] }),
          layers.dense({ units: 10, activation, kernelInitializer: kernelInitializer() }),
        ],
      });
    const losses: number[] = [];
    for (const activation of ['linear', 'softmax'] as const) {
      const net = await openNet(32, await filesOf(dense(activation)), digits);
      losses.push((await net.train(1, 100)).train);
      const { probabilities } = await net.look(0, picture);
      expect(probabilities.reduce((sum, p) => sum + p)).toBeCloseTo(1, 5);
      net.dispose();
    }
    expect(losses[1]).toBeCloseTo(losses[0], 4);
  });

  it('finds the same kernels in float as at 4 bits, depthwise and recurrent ones too', async () => {
    const model = () =>
      sequential({
        layers: [
          layers.depthwiseConv2d({ inputShape: [SIDE, SIDE, 1], kernelSize: 3, strides: 3, name: 'depthwise' }),
          layers.reshape({ targetShape: [9, 9] }),
          layers.simpleRNN({ units: 4, recurrentInitializer: 'glorotUniform', name: 'recurrent' }),
          layers.dense({ units: 10, name: 'dense' }),
        ],
      });
    const files = await filesOf(model());
    const [float, four] = [await openNet(32, files, digits), await openNet(4, files, digits)];
    expect(float.kernels).toEqual(['depthwise', 'recurrent/kernel', 'recurrent/recurrent_kernel', 'dense']);
    expect(four.kernels).toEqual(float.kernels);
    for (const k of float.kernels.keys())
      expect((await float.look(k, picture)).weights.weights).toEqual((await four.look(k, picture)).weights.weights);
    float.dispose();
    four.dispose();
  });

  it('refuses a model without kernels at every number of bits, and leaves no tensor behind', async () => {
    // Columns 0, 3, …, 27 of 28, averaged over rows: ten numbers without a weight.
    const pooling = layers.averagePooling2d({ inputShape: [SIDE, SIDE, 1], poolSize: [28, 1], strides: [28, 3] });
    const files = await filesOf(sequential({ layers: [pooling, layers.flatten()] }));
    const leaked = await leakedTensors(async () => {
      for (const bits of PRECISIONS)
        await expect(openNet(bits, files, digits)).rejects.toThrow(
          'nothing to quantize, no layer with kernels is left',
        );
    });
    expect(leaked).toBe(0);
  });
});
