import { philoxNormals, philoxUniforms } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { type FakeQuantAttributes, fakeQuantBackward, fakeQuantForward } from '../../src/index';

type Numbers = ArrayLike<number>;

/** The definition in float64, element by element, with the rounding of z to float32. */
function reference(dy: Numbers, x: Numbers, steps: Numbers, shape: readonly number[], a: FakeQuantAttributes) {
  const axis = a.axis ?? null;
  const inner = axis === null ? x.length : shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const y = new Float32Array(x.length);
  const dx = new Float32Array(x.length);
  const dStep = new Float64Array(steps.length);
  const scale = new Float64Array(steps.length);
  for (let i = 0; i < x.length; i++) {
    const c = Math.floor(i / inner) % steps.length;
    const s = Math.max(Math.abs(steps[c]), 1e-8);
    const z = Math.fround(x[i] / s);
    const clipped = Math.min(Math.max(z, a.qn), a.qp);
    const low = Math.floor(clipped);
    const q = clipped - low === 0.5 ? 2 * Math.round(clipped / 2) : Math.round(clipped);
    const inside = a.boundary === 'inclusive' ? a.qn <= z && z <= a.qp : a.qn < z && z < a.qp;
    y[i] = q * s;
    dx[i] = inside ? dy[i] : 0;
    const term = dy[i] * (inside ? q - z : q);
    dStep[c] += term * Math.sign(steps[c]);
    scale[c] += Math.abs(term);
  }
  return { y, dx, dStep, scale };
}

const shapes: readonly (readonly [readonly number[], number | null])[] = [
  [[], null],
  [[1], null],
  [[7], null],
  [[1000], null],
  [[5], 0],
  [[37, 3], 1],
  [[3, 37], 0],
  [[2, 3, 4, 5], 0],
  [[2, 3, 4, 5], 1],
  [[2, 3, 4, 5], 2],
  [[2, 3, 4, 5], 3],
  [[3, 3, 4, 18], 3],
  [[40, 17], 1],
  [[2, 1, 2, 1, 3, 2, 2], 4],
];

describe.each(backends)('on %s', (backend) => {
  beforeAll(() => useBackend(backend));
  // WGSL may be 2.5 units in the last place off in a division, so that an element next to a tie takes the other code.
  // The steps here are powers of two, for which every division is exact.
  const exact = backend !== 'webgpu';

  describe.each(['strict', 'inclusive'] as const)('with the %s boundary', (boundary) => {
    it.each(shapes)('agrees with the formula for shape %o and axis %o', async (shape, axis) => {
      const n = tf.util.sizeFromShape([...shape]);
      const stepShape = axis === null ? [] : shape.map((size, dimension) => (dimension === axis ? size : 1));
      const count = axis === null ? 1 : shape[axis];
      const steps = philoxUniforms(count, { seed: 3 }).map((u, c) =>
        exact ? (c % 3 === 1 ? -0.1 : 0.2) + u : (c % 3 === 1 ? -1 : 1) * 2 ** Math.floor(4 * u - 3),
      );
      // Some elements exactly on a tie or an edge.
      const xs = philoxNormals(n, { seed: 1 }).map((value, i) => (i % 5 ? value : Math.round(2 * value) * 0.25));
      const dys = philoxNormals(n, { seed: 2 });
      const attributes = { qn: -2, qp: 1, axis, boundary };
      const [x, dy] = [tf.tensor(xs, [...shape]), tf.tensor(dys, [...shape])];
      const step = tf.tensor(steps, stepShape);
      const y = fakeQuantForward(x, step, attributes);
      const { dx, dStep } = fakeQuantBackward(dy, x, step, { ...attributes, gradientScale: 0.5 });
      const expected = reference(dys, xs, steps, shape, attributes);
      expect([y.shape, dx.shape, dStep.shape]).toEqual([shape, shape, stepShape]);
      expect(Array.from(await y.data(), Math.abs)).toEqual(Array.from(expected.y, Math.abs));
      expect(Array.from(await dx.data(), (value) => value + 0)).toEqual(Array.from(expected.dx));
      (await dStep.data()).forEach((value, c) => {
        expect(Math.abs(value - expected.dStep[c] / 2)).toBeLessThanOrEqual(1e-6 * expected.scale[c] + 1e-30);
      });
      tf.dispose([x, dy, step, y, dx, dStep]);
    });
  });

  it('sums the step gradient of 200,000 elements within 2e-6 of the sum of absolute terms', async () => {
    const n = 200_000;
    const [xs, dys] = [philoxNormals(n, { seed: 4 }), philoxUniforms(n, { seed: 5 })];
    const [x, dy, step] = [tf.tensor1d(xs), tf.tensor1d(dys), tf.scalar(0.25)];
    const { dx, dStep } = fakeQuantBackward(dy, x, step, { qn: -8, qp: 7 });
    const expected = reference(dys, xs, [0.25], [n], { qn: -8, qp: 7 });
    expect(Math.abs((await dStep.data())[0] - expected.dStep[0])).toBeLessThan(2e-6 * expected.scale[0]);
    tf.dispose([x, dy, step, dx, dStep]);
  });

  it('gives most elements the code of float32 division for a step that is no power of two', async () => {
    const n = 20_000;
    const xs = philoxNormals(n, { seed: 6 });
    const [x, step] = [tf.tensor1d(xs), tf.scalar(0.1)];
    const y = fakeQuantForward(x, step, { qn: -128, qp: 127 });
    const values = await y.data();
    const s = Math.fround(0.1);
    const expected = reference(xs, xs, [s], [n], { qn: -128, qp: 127 }).y;
    for (let i = 0; i < n; i++) {
      if (exact) expect(values[i]).toBe(expected[i]);
      else if (values[i] !== expected[i]) {
        // Then z lies within 2.5 units in the last place of half way between the two codes.
        const z = xs[i] / s;
        expect(Math.abs(Math.abs(z - Math.trunc(z)) - 0.5)).toBeLessThan(3 * Math.abs(z) * 2 ** -23);
      }
    }
    tf.dispose([x, step, y]);
  });

  it('keeps a NaN, clips infinities, and gives a NaN step gradient for a NaN', async () => {
    const x = tf.tensor1d([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.6]);
    const step = tf.scalar(0.5);
    const y = fakeQuantForward(x, step, { qn: -2, qp: 1 });
    expect(await y.data()).toEqual(Float32Array.of(Number.NaN, 0.5, -1, 0.5));
    const { dx, dStep } = fakeQuantBackward(tf.onesLike(x), x, step, { qn: -4, qp: 3 });
    expect(await dx.data()).toEqual(Float32Array.of(0, 0, 0, 1));
    expect((await dStep.data())[0]).toBeNaN();
    tf.dispose([x, step, y, dx, dStep]);
  });

  it('takes a step of zero for 1e-8, whose gradient is zero, and makes everything NaN for a NaN step', async () => {
    const x = tf.tensor1d([1, -1]);
    const [zero, nan] = [tf.scalar(0), tf.scalar(Number.NaN)];
    const y = fakeQuantForward(x, zero, { qn: -2, qp: 1 });
    expect(await y.data()).toEqual(Float32Array.of(1e-8, -2e-8));
    const gradients = fakeQuantBackward(tf.onesLike(x), x, zero, { qn: -2, qp: 1 });
    expect((await gradients.dStep.data())[0] + 0).toBe(0);
    const lost = fakeQuantForward(x, nan, { qn: -2, qp: 1 });
    expect(await lost.data()).toEqual(Float32Array.of(Number.NaN, Number.NaN));
    tf.dispose([x, zero, nan, y, lost, gradients.dx, gradients.dStep]);
  });

  it('handles tensors without elements', async () => {
    const x = tf.zeros([0, 3]);
    const step = tf.ones([1, 3]);
    const y = fakeQuantForward(x, step, { qn: -2, qp: 1, axis: 1 });
    const { dx, dStep } = fakeQuantBackward(x, x, step, { qn: -2, qp: 1, axis: 1 });
    expect([y.shape, dx.shape, dStep.shape]).toEqual([
      [0, 3],
      [0, 3],
      [1, 3],
    ]);
    expect(await y.data()).toEqual(new Float32Array(0));
    expect(Array.from(await dStep.data(), (value) => value + 0)).toEqual([0, 0, 0]);
    tf.dispose([x, step, y, dx, dStep]);
  });

  it('leaves no tensor behind', async () => {
    const [x, step] = [tf.ones([4, 3]), tf.ones([1, 3])];
    const leaked = await leakedTensors(() => {
      const { dx, dStep } = fakeQuantBackward(x, x, step, { qn: -2, qp: 1, axis: 1 });
      tf.dispose([dx, dStep, fakeQuantForward(x, step, { qn: -2, qp: 1, axis: 1 })]);
    });
    expect(leaked).toBe(0);
    tf.dispose([x, step]);
  });
});
