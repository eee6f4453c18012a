import { philoxNormals, philoxUniforms } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';
import { goldenJsons } from '../../../../test/goldens';
import { composedBackward, composedForward } from '../../src/fake-quant/composed';
import { fakeQuantBackward, fakeQuantForward } from '../../src/index';

interface Golden {
  readonly id: string;
  readonly dtype: string;
  readonly axis: number | null;
  readonly shape: number[];
  readonly sShape: number[];
  readonly qn: number;
  readonly qp: number;
  readonly g: number;
  readonly x: number[];
  readonly s: number[];
  readonly dy: number[];
  readonly y: number[];
  readonly dx_strict: number[];
  readonly dx_inclusive: number[];
  readonly ds_strict_f64sum: number[];
  readonly ds_inclusive_f64sum: number[];
  readonly dsAbsSum_strict: number[];
  readonly dsAbsSum_inclusive: number[];
}

/** The values, with every zero positive. */
const numbers = (tensor: tf.Tensor) => Array.from(tensor.dataSync(), (value) => value + 0);

const bodies = [
  ['the registered kernel', fakeQuantForward, fakeQuantBackward],
  ['the composed definition', composedForward, composedBackward],
] as const;

describe.each(backends)('on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  for (const [body, forward, backward] of bodies)
    it(`${body} equals torch bit for bit, and its step gradient to 2e-6`, async () => {
      const cases = (await goldenJsons<Golden[]>('lsq/fakequant.json')).flat();
      const goldens = cases.filter(({ dtype }) => dtype === 'float32');
      expect(goldens.length).toBeGreaterThan(0);
      for (const golden of goldens)
        for (const boundary of ['strict', 'inclusive'] as const) {
          const { qn, qp, axis, g: gradientScale } = golden;
          const x = tf.tensor(golden.x, golden.shape);
          const dy = tf.tensor(golden.dy, golden.shape);
          const step = tf.tensor(golden.s, golden.sShape);
          const attributes = { qn, qp, axis, boundary, gradientScale };
          const y = forward(x, step, attributes);
          const { dx, dStep } = backward(dy, x, step, attributes);
          const label = `${golden.id} ${boundary}`;
          // Zeros of either sign are equal.
          expect(
            Array.from(y.dataSync(), (value) => value + 0),
            label,
          ).toEqual(golden.y.map((value) => value + 0));
          expect(
            Array.from(dx.dataSync(), (value) => value + 0),
            label,
          ).toEqual(golden[`dx_${boundary}`].map((value) => value + 0));
          dStep.dataSync().forEach((value, c) => {
            const error = Math.abs(value - golden[`ds_${boundary}_f64sum`][c]);
            expect(error, label).toBeLessThanOrEqual(2e-6 * golden[`dsAbsSum_${boundary}`][c]);
          });
          tf.dispose([x, dy, step, y, dx, dStep]);
        }
    }, 60_000);

  it('the kernel equals the definition for any shape, axis, grid and boundary', () => {
    const shapeAndAxis = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }).chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        axis: fc.oneof(fc.constant(null), fc.integer({ min: 0, max: shape.length - 1 })),
      }),
    );
    fc.assert(
      fc.property(
        shapeAndAxis,
        fc.integer({ min: 0, max: 128 }),
        fc.integer({ min: 1, max: 255 }),
        fc.constantFrom('strict' as const, 'inclusive' as const),
        fc.nat(),
        ({ shape, axis }, lowest, qp, boundary, seed) => {
          tf.tidy(() => {
            const n = tf.util.sizeFromShape(shape);
            const stepShape = shape.map((size, dimension) => (dimension === axis ? size : 1));
            const count = axis === null ? 1 : shape[axis];
            const x = tf.tensor(philoxNormals(n, { seed }), shape);
            const dy = tf.tensor(philoxNormals(n, { seed, stream: 1 }), shape);
            const steps = philoxUniforms(count, { seed, stream: 2 }).map((u) => u - 0.25);
            const step = tf.tensor(steps, axis === null ? [] : stepShape);
            const attributes = { qn: -lowest, qp, axis, boundary, gradientScale: 0.3 };
            expect(numbers(fakeQuantForward(x, step, attributes))).toEqual(
              numbers(composedForward(x, step, attributes)),
            );
            const fast = fakeQuantBackward(dy, x, step, attributes);
            const composed = composedBackward(dy, x, step, attributes);
            expect(numbers(fast.dx)).toEqual(numbers(composed.dx));
            const [a, b] = [fast.dStep.dataSync(), composed.dStep.dataSync()];
            const size = tf.sum(tf.abs(dy)).dataSync()[0] * Math.max(lowest, qp);
            a.forEach((value, c) => {
              expect(Math.abs(value - b[c])).toBeLessThanOrEqual(1e-6 * size);
            });
          });
        },
      ),
      { numRuns: 150 },
    );
  }, 60_000);

  // Once with terms of either sign, and once with all of them 7 dy, where a plain float32 sum loses most digits.
  it.each([
    ['normal', 0.1],
    ['clipped', 1e-6],
  ])(
    'sums the step gradient of 10,000,000 %s elements within 2e-6 of the sum of absolute terms',
    (_, s) => {
      const n = 10_000_000;
      const xs = philoxNormals(n, { seed: 1 }).map(s < 0.01 ? Math.abs : (value) => value);
      const dys = philoxUniforms(n, { seed: 2 });
      const scale = Math.fround(s);
      let sum = 0;
      let absolute = 0;
      for (let i = 0; i < n; i++) {
        const z = Math.fround(xs[i] / scale);
        const below = Math.floor(z);
        // No z of this sample lies half way between two codes.
        const q = z - below > 0.5 ? below + 1 : below;
        const term = dys[i] * (z >= 7 ? 7 : z <= -8 ? -8 : q - z);
        sum += term;
        absolute += Math.abs(term);
      }
      const [x, dy, step] = [tf.tensor1d(xs), tf.tensor1d(dys), tf.scalar(s)];
      const { dx, dStep } = fakeQuantBackward(dy, x, step, { qn: -8, qp: 7 });
      expect(Math.abs(dStep.dataSync()[0] - sum)).toBeLessThan(2e-6 * absolute);
      tf.dispose([x, dy, step, dx, dStep]);
    },
    60_000,
  );

  // Every term is 7 fround(0.1), so that a channel's sum is 131,075 times that; the odd rows test what is left over.
  for (const [body, , backward] of bodies)
    it(`${body} sums 131,075 equal terms a channel within 2e-6`, () => {
      const [rows, channels] = [131_075, 4];
      const expected = 7 * Math.fround(0.1) * rows;
      for (const axis of [0, 1]) {
        const shape: [number, number] = axis === 0 ? [channels, rows] : [rows, channels];
        const [x, dy] = [tf.fill(shape, 100), tf.fill(shape, 0.1)];
        const step = tf.ones(axis === 0 ? [channels, 1] : [1, channels]);
        const { dx, dStep } = backward(dy, x, step, { qn: -8, qp: 7, axis, gradientScale: 1 });
        for (const sum of dStep.dataSync()) expect(Math.abs(sum / expected - 1)).toBeLessThan(2e-6);
        tf.dispose([x, dy, step, dx, dStep]);
      }
    }, 60_000);

  it('the kernel has the second derivatives of the definition', () => {
    const inputs = [
      tf.tensor2d(philoxNormals(12, { seed: 7 }), [4, 3]),
      tf.tensor2d(philoxNormals(12, { seed: 8 }), [4, 3]),
      tf.tensor2d([0.5, -0.7, 0.9], [1, 3]),
    ];
    const weights = tf.tensor2d(philoxNormals(12, { seed: 9 }), [4, 3]);
    const stepWeights = tf.tensor2d([2, 3, 5], [1, 3]);
    const attributes = { qn: -1, qp: 1, axis: 1, gradientScale: 0.25 };
    const second = (backward: typeof composedBackward) =>
      tf.grads((dy, x, step) => {
        const { dx, dStep } = backward(dy, x, step, attributes);
        return tf.add(tf.sum(tf.mul(dx, weights)), tf.sum(tf.mul(dStep, stepWeights)));
      })(inputs);
    const [fast, composed] = [second(fakeQuantBackward), second(composedBackward)];
    for (const i of [0, 1, 2]) {
      const [a, b] = [fast[i].dataSync(), composed[i].dataSync()];
      expect(b.some((value) => value !== 0)).toBe(true);
      a.forEach((value, j) => {
        expect(value).toBeCloseTo(b[j], 5);
      });
    }
    tf.dispose([...inputs, weights, stepWeights, ...fast, ...composed]);
  });
});
