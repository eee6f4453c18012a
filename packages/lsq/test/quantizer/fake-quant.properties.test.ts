import { fakeQuant, initialStep, integerCodes, quantizationRange } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';

/** A grid, a tensor of up to three dimensions, steps per tensor or per axis, an upstream gradient and a boundary. */
const problems = fc
  .record({
    bits: fc.integer({ min: 2, max: 10 }),
    signed: fc.boolean(),
    narrow: fc.boolean(),
    shape: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
    boundary: fc.constantFrom('strict' as const, 'inclusive' as const),
  })
  .chain(({ bits, signed, narrow, shape, boundary }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const float = fc.float({ min: -100, max: 100, noNaN: true });
    return fc.option(fc.integer({ min: 0, max: shape.length - 1 }), { nil: null }).chain((axis) =>
      fc.record({
        options: fc.constant({ bits, signed, narrow: narrow && signed, axis, boundary }),
        shape: fc.constant(shape),
        x: fc.array(float, { minLength: size, maxLength: size }),
        dy: fc.array(float, { minLength: size, maxLength: size }),
        steps: fc.array(fc.float({ min: Math.fround(1e-4), max: 10, noNaN: true }), {
          minLength: axis === null ? 1 : shape[axis]!,
          maxLength: axis === null ? 1 : shape[axis]!,
        }),
      }),
    );
  });

type Problem = typeof problems extends fc.Arbitrary<infer T> ? T : never;

const stepShape = ({ shape, options: { axis } }: Problem) =>
  axis === null ? [] : shape.map((size, i) => (i === axis ? size : 1));

const sliceOf = ({ shape, options: { axis } }: Problem, index: number) =>
  axis === null ? 0 : Math.floor(index / shape.slice(axis + 1).reduce((a, b) => a * b, 1)) % shape[axis]!;

const holds = (property: (problem: Problem) => void) =>
  fc.assert(
    fc.property(problems, (problem) => tf.tidy(() => void property(problem))),
    { numRuns: 150, seed: 20261123 },
  );

describe.each(backends)('for any tensor, grid and step on %s', (backend) => {
  beforeAll(() => useBackend(backend));
  /** TensorFlow takes what is below the smallest normal float32, 2^-126, for zero. */
  const flushed = (value: number) => (backend === 'tensorflow' && Math.abs(value) < 2 ** -126 ? 0 : value);

  it('codes are integers of the grid, and values are codes times step', () => {
    holds((problem) => {
      const { options, shape, x, steps } = problem;
      const { qn, qp } = quantizationRange(options);
      const [tensor, step] = [tf.tensor(x, shape), tf.tensor(steps, stepShape(problem))];
      const values = fakeQuant(tensor, step, options).dataSync();
      integerCodes(tensor, step, options)
        .dataSync()
        .forEach((code, i) => {
          expect(code).toBeGreaterThanOrEqual(qn);
          expect(code).toBeLessThanOrEqual(qp);
          expect(values[i]! + 0).toBe(Math.fround(code * steps[sliceOf(problem, i)]!) + 0);
        });
    });
  });

  it('quantizing twice changes nothing', () => {
    holds((problem) => {
      const { options, shape, x, steps } = problem;
      const step = tf.tensor(steps, stepShape(problem));
      const once = fakeQuant(tf.tensor(x, shape), step, options);
      expect(fakeQuant(once, step, options).dataSync()).toEqual(once.dataSync());
    });
  });

  it('a larger element never gets a smaller value', () => {
    holds((problem) => {
      const { options, x, steps } = problem;
      const sorted = tf.tensor1d([...x].sort((a, b) => a - b));
      const values = fakeQuant(sorted, tf.scalar(steps[0]!), { ...options, axis: null }).dataSync();
      for (let i = 1; i < values.length; i++) expect(values[i]).toBeGreaterThanOrEqual(values[i - 1]!);
    });
  });

  it('gradients are those of the formula, element by element', () => {
    holds((problem) => {
      const { options, shape, x, dy, steps } = problem;
      const { qn, qp } = quantizationRange(options);
      const gradients = tf.grads((x, step) =>
        fakeQuant(x as tf.Tensor, step as tf.Tensor, { ...options, gradientScale: 'none' }),
      );
      const [dx, ds] = gradients([tf.tensor(x, shape), tf.tensor(steps, stepShape(problem))], tf.tensor(dy, shape)).map(
        (gradient) => gradient.dataSync(),
      );
      const sums = steps.map(() => 0);
      const sizes = steps.map(() => 0);
      x.forEach((value, i) => {
        const slice = sliceOf(problem, i);
        const z = flushed(Math.fround(flushed(value) / steps[slice]!));
        const inside = options.boundary === 'strict' ? z > qn && z < qp : z >= qn && z <= qp;
        const q = roundHalfToEven(Math.min(Math.max(z, qn), qp));
        expect(dx![i]! + 0).toBe(inside ? flushed(dy[i]!) + 0 : 0);
        const term = dy[i]! * (inside ? q - z : q);
        sums[slice]! += term;
        sizes[slice]! += Math.abs(term) + Math.abs(dy[i]! * q) * 1e-7;
      });
      sums.forEach((sum, slice) => {
        expect(Math.abs(ds![slice]! - sum)).toBeLessThanOrEqual(2e-6 * sizes[slice]! + 1e-30);
      });
    });
  });

  it('an initial step is positive and finite, and quantizing with it makes no NaN', () => {
    holds(({ options, shape, x }) => {
      for (const init of ['lsq', 'lsq+', 'mse'] as const) {
        const tensor = tf.tensor(x, shape);
        const step = initialStep(tensor, { ...options, init });
        for (const value of step.dataSync()) {
          expect(value).toBeGreaterThan(0);
          expect(value).toBeLessThan(1e30);
        }
        for (const value of fakeQuant(tensor, step, options).dataSync()) expect(value).not.toBeNaN();
      }
    });
  });
});

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}
