import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import '@qgen/kernels';

const numbers = (n: number, phase: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(12.9898 * i + phase));
const { fround } = Math;

/** One step, the gradient by name as `minimize` gives it, which the types of tfjs don't know, or in a list. */
function apply(optimizer: tf.Optimizer, { name }: tf.Variable, tensor: tf.Tensor, listed = false): void {
  const gradients = listed ? [{ name, tensor }] : { [name]: tensor };
  optimizer.applyGradients(gradients as Parameters<tf.Optimizer['applyGradients']>[0]);
}

/** A variable after steps with the gradients g₀, g₁, …, every third of which comes in a list. */
async function after(
  optimizer: tf.Optimizer,
  start: Float32Array,
  gradients: readonly Float32Array[],
): Promise<number[]> {
  const variable = tf.variable(tf.tensor1d(start), true);
  for (const [i, gradient] of gradients.entries()) {
    const tensor = tf.tensor1d(gradient);
    apply(optimizer, variable, tensor, i % 3 === 2);
    tensor.dispose();
  }
  const values = [...(await variable.data())];
  tf.dispose([variable]);
  optimizer.dispose();
  return values;
}

/** a ← fround(fround(m a) + g), w ← fround(fround(−rate a) + w): every operation rounded to float32. */
function momentum(start: Float32Array, gradients: readonly Float32Array[], rate: number, m: number): number[] {
  const [w, a] = [start.slice(), new Float32Array(start.length)];
  for (const g of gradients)
    for (let i = 0; i < w.length; i++) {
      a[i] = fround(fround(fround(m) * a[i]) + g[i]);
      w[i] = fround(fround(fround(-rate) * a[i]) + w[i]);
    }
  return [...w];
}

/** Adam, Kingma and Ba 2015, algorithm 1, as tfjs orders it. */
function adam(start: Float32Array, gradients: readonly Float32Array[], rate: number): number[] {
  const [b1, b2, epsilon] = [0.9, 0.999, 1e-7];
  const [w, m, v] = [start.slice(), new Float32Array(start.length), new Float32Array(start.length)];
  let [power1, power2] = [fround(b1), fround(b2)];
  for (const g of gradients) {
    for (let i = 0; i < w.length; i++) {
      m[i] = fround(fround(m[i] * fround(b1)) + fround(g[i] * fround(1 - b1)));
      v[i] = fround(fround(v[i] * fround(b2)) + fround(fround(g[i] * g[i]) * fround(1 - b2)));
      const root = fround(Math.sqrt(fround(v[i] / fround(1 - power2))));
      const direction = fround(fround(m[i] / fround(1 - power1)) / fround(root + fround(epsilon)));
      w[i] = fround(fround(direction * fround(-rate)) + w[i]);
    }
    power1 = fround(power1 * fround(b1));
    power2 = fround(power2 * fround(b2));
  }
  return [...w];
}

describe.each(backends)('optimizers on %s', (backend) => {
  beforeAll(() => useBackend(backend));
  const expectClose = (found: readonly number[], expected: readonly number[]) => {
    const exact = backend === 'wasm';
    for (const [i, value] of expected.entries())
      if (exact) expect(found[i]).toBe(value);
      else expect(Math.abs(found[i] - value)).toBeLessThan(1e-5);
  };

  it('momentum, by hand: 1, and gradients 2 and 4 at rate 0.5 and momentum 0.5', async () => {
    // a = 2, w = 0; a = 1 + 4 = 5, w = −2.5
    const gradients = [Float32Array.of(2), Float32Array.of(4)];
    expect(await after(tf.train.momentum(0.5, 0.5), Float32Array.of(1), gradients)).toEqual([-2.5]);
  });

  it.each([1, 3, 4, 7, 33])('momentum and Adam of %i parameters, rounded as operations are', async (n) => {
    const gradients = Array.from({ length: 5 }, (_, i) => numbers(n, i));
    const start = numbers(n, 9);
    expectClose(await after(tf.train.momentum(0.1, 0.9), start, gradients), momentum(start, gradients, 0.1, 0.9));
    expectClose(await after(tf.train.adam(0.01, 0.9, 0.999, 1e-7), start, gradients), adam(start, gradients, 0.01));
  });

  it("Nesterov's momentum: w ← w − rate (g + m a)", async () => {
    // a = 2, w = 1 − 0.5 (2 + 1) = −0.5; a = 5, w = −0.5 − 0.5 (4 + 2.5) = −3.75
    const gradients = [Float32Array.of(2), Float32Array.of(4)];
    expect(await after(tf.train.momentum(0.5, 0.5, true), Float32Array.of(1), gradients)).toEqual([-3.75]);
  });

  it('keep what they learned in weights that go into another optimizer, and count their steps', async () => {
    for (const make of [() => tf.train.momentum(0.1, 0.9), () => tf.train.adam(0.01)]) {
      const variables = [tf.variable(tf.tensor1d([1, 2])), tf.variable(tf.tensor1d([1, 2]))];
      const gradient = tf.tensor1d([0.5, -1]);
      const [whole, half] = [make(), make()];
      for (let i = 0; i < 4; i++) apply(whole, variables[0], gradient);
      for (let i = 0; i < 2; i++) apply(half, variables[1], gradient);
      const continued = make();
      await continued.setWeights(await half.getWeights());
      for (let i = 0; i < 2; i++) apply(continued, variables[1], gradient);
      expect(continued.iterations).toBe(4);
      const [expected, found] = await Promise.all(variables.map(async (variable) => [...(await variable.data())]));
      for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 5);
      tf.dispose(variables);
    }
  });

  it('step over a variable without a gradient, and leak nothing', async () => {
    const [moved, left] = [tf.variable(tf.scalar(1)), tf.variable(tf.scalar(1))];
    for (const optimizer of [tf.train.momentum(0.1, 0.9), tf.train.adam(0.1)]) {
      const step = () => {
        const gradient = tf.scalar(1);
        optimizer.applyGradients([
          { name: left.name, tensor: null as never },
          { name: moved.name, tensor: gradient },
        ]);
        gradient.dispose();
      };
      step();
      expect(await leakedTensors(step)).toBe(0);
    }
    expect((await left.data())[0]).toBe(1);
    expect((await moved.data())[0]).toBeLessThan(1);
  });
});

it.runIf(backends.includes('wasm'))('a step on wasm is one kernel for each variable', async () => {
  await useBackend('wasm');
  const variable = tf.variable(tf.ones([5]));
  for (const [optimizer, kernel] of [
    [tf.train.momentum(0.1, 0.9), 'QGenMomentum'],
    [tf.train.adam(0.1), 'QGenAdam'],
  ] as const) {
    const step = () => apply(optimizer, variable, tf.ones([5]));
    tf.tidy(step);
    const { kernelNames } = await tf.profile(() => {
      step();
      return tf.scalar(0);
    });
    expect(kernelNames.filter((name) => name === kernel)).toHaveLength(1);
    expect(kernelNames).not.toContain('Add');
  }
});
