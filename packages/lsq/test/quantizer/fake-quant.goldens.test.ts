import { fakeQuant, fakeQuantWithOffset, integerCodes } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';
import { goldenJsons } from '../../../../test/goldens';

/** One case of goldens/lsq/fakequant.json; every tensor is a flat list. */
interface Case {
  readonly id: string;
  readonly kind: string;
  readonly dtype: 'float32' | 'float64';
  readonly bits: number;
  readonly signed: boolean;
  readonly narrow: boolean;
  readonly axis: number | null;
  readonly shape: number[];
  readonly sShape: number[];
  readonly qn: number;
  readonly qp: number;
  readonly g: number;
  readonly x: number[];
  readonly s: number[];
  readonly dy: number[];
  readonly q: number[];
  readonly y: number[];
  readonly dx_strict: number[];
  readonly dx_inclusive: number[];
  readonly ds_strict_f64sum: number[];
  readonly ds_inclusive_f64sum: number[];
  readonly dsAbsSum_strict: number[];
  readonly dsAbsSum_inclusive: number[];
}

interface OffsetCase extends Omit<Case, 'axis' | 'narrow' | 'sShape'> {
  readonly beta: number[];
  readonly dx: number[];
  readonly ds: number[];
  readonly dbeta_unscaled: number[];
}

const cases = (await goldenJsons<Case[]>('lsq/fakequant.json')).flat();
const offsetCases = (await goldenJsons<OffsetCase[]>('lsq/lsqplus.json')).flat();

function run(golden: Case, boundary: 'strict' | 'inclusive') {
  return tf.tidy(() => {
    const options = { bits: golden.bits, signed: golden.signed, narrow: golden.narrow, axis: golden.axis, boundary };
    const x = tf.tensor(golden.x, golden.shape, 'float32');
    const step = tf.tensor(golden.s, golden.sShape, 'float32');
    const dy = tf.tensor(golden.dy, golden.shape, 'float32');
    const gradients = tf.grads((x, step) => fakeQuant(x as tf.Tensor, step as tf.Tensor, options));
    const [dx, ds] = gradients([x, step], dy) as [tf.Tensor, tf.Tensor];
    return {
      y: fakeQuant(x, step, options).dataSync(),
      q: integerCodes(x, step, options).dataSync(),
      dx: dx.dataSync(),
      ds: ds.dataSync(),
    };
  });
}

const rounded = (values: readonly number[]) => Float32Array.from(values);
const stepOf = (golden: Case, index: number) => {
  if (golden.axis === null) return 0;
  const inner = golden.shape.slice(golden.axis + 1).reduce((a, b) => a * b, 1);
  return Math.floor(index / inner) % golden.shape[golden.axis]!;
};

describe.each(backends)('the reference cases of fake quantization on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('float32: codes, values and input gradients bit for bit, step gradients within 2e-6 of Σ|dy t|', () => {
    const float32 = cases.filter((golden) => golden.dtype === 'float32');
    expect(float32.length).toBeGreaterThan(0);
    for (const golden of float32)
      for (const boundary of ['strict', 'inclusive'] as const) {
        const { y, q, dx, ds } = run(golden, boundary);
        const name = `${golden.id} ${golden.kind} ${boundary}`;
        expect([...q], name).toEqual(golden.q);
        expect(
          y.every((value, i) => value === rounded(golden.y)[i]),
          `${name}: y`,
        ).toBe(true);
        expect(
          dx.every((value, i) => value === rounded(golden[`dx_${boundary}`])[i]),
          `${name}: dx`,
        ).toBe(true);
        golden[`ds_${boundary}_f64sum`].forEach((expected, i) => {
          const tolerance = 2e-6 * golden[`dsAbsSum_${boundary}`][i]!;
          expect(Math.abs(ds[i]! - expected), `${name}: ds`).toBeLessThanOrEqual(tolerance);
        });
      }
  });

  // tfjs has no float64. Rounding x and s to float32 moves z by up to 1.2e-7 of itself; within that of a tie or an
  // edge the float64 result is another one, so such elements are left out, and the step gradient of their slice too.
  it('float64: within what rounding the inputs to float32 does', () => {
    const float64 = cases.filter((golden) => golden.dtype === 'float64');
    expect(float64.length).toBeGreaterThan(0);
    let compared = 0;
    for (const golden of float64)
      for (const boundary of ['strict', 'inclusive'] as const) {
        const { y, q, dx, ds } = run(golden, boundary);
        const name = `${golden.id} ${golden.kind} ${boundary}`;
        const unsure = new Set<number>();
        const slack = new Float64Array(golden.s.length);
        golden.x.forEach((x, i) => {
          const slice = stepOf(golden, i);
          const z = x / golden.s[slice]!;
          const distance = Math.min(
            Math.abs(z - Math.floor(z) - 0.5),
            Math.abs(z - golden.qn),
            Math.abs(z - golden.qp),
          );
          const exact = Math.fround(x) === x && Math.fround(golden.s[slice]!) === golden.s[slice];
          slack[slice]! += golden.g * Math.abs(golden.dy[i]!) * Math.abs(Math.min(Math.abs(z), golden.qp)) * 2.4e-7;
          if (!exact && distance <= 2.4e-7 * Math.max(1, Math.abs(z))) {
            unsure.add(slice);
            return;
          }
          compared++;
          expect(q[i], name).toBe(golden.q[i]);
          expect(Math.abs(y[i]! - golden.y[i]!), name).toBeLessThanOrEqual(2e-7 * Math.abs(golden.y[i]!));
          const expected = golden[`dx_${boundary}`][i]!;
          expect(Math.abs(dx[i]! - expected), name).toBeLessThanOrEqual(1e-7 * Math.abs(expected));
        });
        golden[`ds_${boundary}_f64sum`].forEach((expected, i) => {
          if (unsure.has(i)) return;
          const tolerance = 2e-6 * golden[`dsAbsSum_${boundary}`][i]! + slack[i]!;
          expect(Math.abs(ds[i]! - expected), `${name}: ds`).toBeLessThanOrEqual(tolerance);
        });
      }
    expect(compared).toBeGreaterThan(100);
  });

  it('LSQ+: values and gradients of input, step and offset', () => {
    expect(offsetCases.length).toBeGreaterThan(0);
    for (const golden of offsetCases)
      tf.tidy(() => {
        const options = { bits: golden.bits, signed: golden.signed };
        const x = tf.tensor(golden.x, golden.shape, 'float32');
        const [step, offset] = [tf.scalar(golden.s[0]!), tf.scalar(golden.beta[0]!)];
        const dy = tf.tensor(golden.dy, golden.shape, 'float32');
        const y = fakeQuantWithOffset(x, step, offset, options).dataSync();
        const [dx, ds, dOffset] = tf
          .grads((x, step, offset) =>
            fakeQuantWithOffset(x as tf.Tensor, step as tf.Tensor, offset as tf.Tensor, options),
          )([x, step, offset], dy)
          .map((gradient) => gradient.dataSync());
        if (golden.dtype === 'float32') {
          expect(
            y.every((value, i) => value === rounded(golden.y)[i]),
            golden.id,
          ).toBe(true);
          expect(
            dx!.every((value, i) => value === rounded(golden.dx)[i]),
            golden.id,
          ).toBe(true);
        }
        for (const [i, value] of y.entries()) expect(Math.abs(value - golden.y[i]!), golden.id).toBeLessThan(5e-7);
        for (const [i, value] of dx!.entries()) expect(Math.abs(value - golden.dx[i]!), golden.id).toBeLessThan(5e-7);
        const scale = golden.dy.reduce((sum, value) => sum + Math.abs(value), 0);
        expect(Math.abs(ds![0]! - golden.ds[0]!), golden.id).toBeLessThan(2e-6 * golden.g * golden.qp * scale);
        expect(Math.abs(dOffset![0]! - golden.dbeta_unscaled[0]!), golden.id).toBeLessThan(2e-6 * scale);
      });
  });
});
