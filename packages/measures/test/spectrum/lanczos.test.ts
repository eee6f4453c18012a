import { describe, expect, it } from 'vitest';
import { type LanczosOptions, lanczos } from '../../src/spectrum/lanczos';

const run = (options: LanczosOptions, apply: (v: Float64Array) => ArrayLike<number>) => {
  const iterations = lanczos(options);
  let step = iterations.next();
  while (!step.done) step = iterations.next(apply(step.value));
  return step.value;
};
const diagonal = (entries: readonly number[]) => (v: Float64Array) => v.map((component, i) => component * entries[i]);
const whole = { maxSteps: 1000, seed: 1, done: () => false };

describe('lanczos', () => {
  it('finds the whole spectrum when it may span the space', () => {
    const entries = [5, -3, 2, 1, 0.5, -0.25];
    const { spectrum, steps } = run({ ...whole, dimension: 6 }, diagonal(entries));
    expect(steps).toBe(6);
    for (const [i, value] of [5, 2, 1, 0.5, -0.25, -3].entries()) expect(spectrum.values[i]).toBeCloseTo(value, 12);
  });

  it('goes on from a new vector when an invariant subspace is used up: the identity has n eigenvalues 1', () => {
    const { spectrum } = run({ ...whole, dimension: 5 }, (v) => v);
    expect(spectrum.values).toHaveLength(5);
    for (const value of spectrum.values) expect(value).toBeCloseTo(1, 14);
  });

  it('bounds the distance to an eigenvalue by the residual, and stops when told', () => {
    const entries = Array.from({ length: 400 }, (_, i) => 1 / (1 + i));
    const done: LanczosOptions['done'] = ({ residuals }) => residuals[0] < 1e-4;
    const { spectrum, residuals, steps } = run({ dimension: 400, maxSteps: 400, seed: 3, done }, diagonal(entries));
    expect(steps).toBeLessThan(40);
    expect(Math.abs(spectrum.values[0] - 1)).toBeLessThan(residuals[0]);
  });

  it('is the same for the same seed', () => {
    const options = { dimension: 50, maxSteps: 5, done: () => false };
    const apply = diagonal(Array.from({ length: 50 }, (_, i) => i));
    const values = (seed: number) => [...run({ ...options, seed }, apply).spectrum.values];
    expect(values(1)).toEqual(values(1));
    expect(values(1)).not.toEqual(values(2));
  });

  it('is empty in an empty space', () => {
    expect(run({ ...whole, dimension: 0 }, (v) => v).steps).toBe(0);
  });
});
