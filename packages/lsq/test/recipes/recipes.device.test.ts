import { expandSoftLabels, oscillations, quantizeModel, reestimateBatchNorm, softLabels } from '@qgen/lsq';
import type * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type BackendName, backends, leakedTensors, useBackend } from '../../../../test/backends';
import { examples, prepared, RECIPES, smallNetwork } from './every-recipe';

const noise = (i: number) => Math.sin(12.9898 * (i + 1)) * 0.5;
const weights = [32, 8, 8, 8, 24, 3, 8, 8].map((size, which) => {
  // Kernel and bias, gamma and beta, kernel and bias; then the moving mean and variance.
  if (which === 2 || which === 7) return Array.from({ length: size }, () => 1);
  return Array.from({ length: size }, (_, i) => (which === 0 || which === 4 ? noise(i + which) : 0));
});

/** A recipe in training on a backend, from the same weights everywhere. */
async function start(name: string, backend: BackendName) {
  await useBackend(backend);
  const recipe = RECIPES[name]!;
  const model = await quantizeModel(smallNetwork(weights), {
    bits: 3,
    firstLast: 'same',
    activations: 4,
    ...recipe.quantization,
  });
  const { x, labels, teacher } = examples();
  const { train, finish } = prepared(model, [recipe]);
  const losses = async () => (await train(x, labels, teacher)).history.loss as number[];
  return { model, losses, finish };
}

describe.each(backends)('recipes on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(Object.keys(RECIPES))('%s trains as on the cpu backend', async (name) => {
    const reference = await start(name, 'cpu');
    const expected = await reference.losses();
    reference.finish();
    const { model, losses, finish } = await start(name, backend);
    const first = await losses();
    // The second and third epochs go through codes that a rounding error may change.
    expect(first[0]).toBeCloseTo(expected[0]!, 3);
    expect(first[2]).toBeCloseTo(expected[2]!, 1);
    expect(await leakedTensors(losses)).toBe(0);
    if (name === 'freezing') {
      const [kernel] = await oscillations(model);
      expect(kernel!.weights).toBe(32);
    }
    finish();
  });

  it('soft labels and batch-norm re-estimation run', async () => {
    await useBackend(backend);
    const model = smallNetwork(weights);
    const { x } = examples();
    await reestimateBatchNorm(model, x);
    const top = await softLabels(model, x, { topK: 2 });
    const whole = await softLabels(model, x);
    const expanded = expandSoftLabels(top, 3);
    const [a, b] = await Promise.all([whole, expanded].map((each: tf.Tensor) => each.data()));
    a!.forEach((value, i) => void expect(b![i]).toBeCloseTo(value, 5));
  });
});
