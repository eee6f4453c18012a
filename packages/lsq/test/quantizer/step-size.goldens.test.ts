import { initialStep } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';
import { goldenJsons } from '../../../../test/goldens';

interface Case {
  readonly id: string;
  readonly shape: number[];
  readonly bits: number;
  readonly signed: boolean;
  readonly x: number[];
  readonly lsq_per_tensor: [number];
  readonly lsq_per_axis: Record<string, number[]>;
  readonly lsqplus_weight_popstd?: [number];
  readonly mse_fixed_point_f64: [number];
}

const cases = (await goldenJsons<Case[]>('lsq/init.json')).flat();

describe.each(backends)('the reference cases of the initial step on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('lsq per tensor and per axis, lsq+ and mse within 2e-6', () => {
    expect(cases.length).toBeGreaterThan(0);
    for (const golden of cases)
      tf.tidy(() => {
        const x = tf.tensor(golden.x, golden.shape, 'float32');
        const grid = { bits: golden.bits, signed: golden.signed };
        const check = (step: tf.Tensor, expected: readonly number[], what: string) =>
          step.dataSync().forEach((value, i) => {
            const error = Math.abs(value - expected[i]!);
            expect(error, `${golden.id} ${what}`).toBeLessThanOrEqual(2e-6 * expected[i]!);
          });
        check(initialStep(x, grid), golden.lsq_per_tensor, 'lsq');
        for (const [axis, expected] of Object.entries(golden.lsq_per_axis)) {
          const step = initialStep(x, { ...grid, axis: Number(axis) });
          expect(step.shape).toEqual(golden.shape.map((size, i) => (i === Number(axis) ? size : 1)));
          check(step, expected, `lsq, axis ${axis}`);
        }
        if (golden.lsqplus_weight_popstd)
          check(initialStep(x, { ...grid, init: 'lsq+' }), golden.lsqplus_weight_popstd, 'lsq+');
        check(initialStep(x, { ...grid, init: 'mse' }), golden.mse_fixed_point_f64, 'mse');
      });
  });
});
