import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-webgpu';
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';

const backendNames = ['cpu', 'wasm', 'webgpu', 'webgl', 'tensorflow'];
const kernels = () =>
  new Map<string, tf.KernelConfig>(
    backendNames.flatMap((backendName) =>
      tf.getKernelsForBackend(backendName).map((kernel) => [`${backendName} ${kernel.kernelName}`, kernel] as const),
    ),
  );
const kernelNames = [...new Set([...kernels().values()].map(({ kernelName }) => kernelName)), '_FusedMatMul'];
const gradients = () => new Map(kernelNames.map((name) => [name, tf.getGradient(name)]));
const layerBodies = () =>
  Object.values(tf.serialization.SerializationMap.getMap().classNameMap).flatMap(([layerClass]) => {
    const { prototype } = layerClass as unknown as { readonly prototype: Record<string, unknown> };
    return [prototype.call, prototype.apply];
  });
const stock = {
  layerBodies: layerBodies(),
  kernels: kernels(),
  gradients: gradients(),
  backends: tf.engine().backendNames(),
};

/** Every kernel and gradient that was there is there, the same object; returns the names of those that are new. */
function added(): string[] {
  for (const [name, kernel] of stock.kernels) if (kernels().get(name) !== kernel) expect.fail(`${name} was replaced`);
  for (const [name, gradient] of stock.gradients)
    if (gradients().get(name) !== gradient) expect.fail(`the gradient of ${name} was replaced`);
  expect(tf.engine().backendNames()).toEqual(stock.backends);
  for (const [i, body] of layerBodies().entries())
    if (body !== stock.layerBodies[i]) expect.fail('a layer was changed');
  return [...kernels().keys()].filter((name) => !stock.kernels.has(name));
}

it('stock kernels and gradients are there to be compared', () => {
  expect(stock.kernels.size).toBeGreaterThan(350);
  expect([...stock.gradients.values()].filter(Boolean).length).toBeGreaterThan(80);
  expect(stock.layerBodies.filter(Boolean).length).toBeGreaterThan(60);
});

it('importing @qgen/corruptions and @qgen/measures changes and adds nothing', async () => {
  await import('@qgen/corruptions');
  await import('@qgen/measures');
  await tf.setBackend('cpu');
  await tf.setBackend('wasm');
  expect(added()).toEqual([]);
});

it('corrupting images and measures without a gradient add the kernel of our random numbers', async () => {
  const { corrupt } = await import('@qgen/corruptions');
  const { findSigma } = await import('@qgen/measures');
  const x = tf.fill([2, 32, 32, 3], 0.5) as tf.Tensor4D;
  corrupt(x, 'gaussian_noise', { severity: 3, preset: 'cifar-c' }).dispose();
  const w = tf.variable(tf.tensor2d([1, -1, -1, 1], [2, 2]));
  const model = {
    forward: (xs: tf.Tensor) => tf.matMul(xs as tf.Tensor2D, w),
    variables: [{ name: 'w', variable: w }],
  };
  const xs = tf.tensor2d([1, 0, 0, 1, 2, 0, 0, 2], [4, 2]);
  await findSigma(model as never, { xs, ys: tf.tensor1d([0, 1, 0, 1], 'int32') }, { relativeTolerance: 0.5 });
  expect(added()).toEqual(['wasm QGenRandom']);
});

it('a measure that differentiates registers the training kernels when it is called', async () => {
  const { samSharpness } = await import('@qgen/measures');
  const { layers, sequential } = await import('@tensorflow/tfjs-layers');
  const model = sequential({
    layers: [
      layers.conv2d({ inputShape: [4, 4, 1], filters: 2, kernelSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 2, activation: 'softmax' }),
    ],
  });
  const data = { xs: tf.ones([2, 4, 4, 1]), ys: tf.tensor1d([0, 1], 'int32') };
  const { value } = await samSharpness(model, data);
  expect(Number.isFinite(value)).toBe(true);
  expect(() => added()).toThrow('was replaced');
});
