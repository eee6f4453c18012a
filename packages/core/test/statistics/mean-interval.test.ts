import { expect, it } from 'vitest';
import { meanInterval, philoxNormals, philoxUniforms, studentFactor } from '../../src/index';

it("gives the 97.5 % points of Student's table (Fisher & Yates, table III)", () => {
  const table = { 1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 7: 2.365, 10: 2.228, 20: 2.086, 60: 2.0 };
  for (const [freedom, factor] of Object.entries(table))
    expect(Math.abs(studentFactor(Number(freedom)) - factor)).toBeLessThan(7e-4);
  expect(studentFactor(1e9)).toBeCloseTo(1.959964, 6);
  expect(studentFactor(0)).toBe(Number.POSITIVE_INFINITY);
});

it('of 1, 2 and 6: mean 3, variance 7, standard error sqrt(7/3), half width 4.303 of them', () => {
  const { mean, standardError, halfWidth } = meanInterval([1, 2, 6]);
  expect(mean).toBe(3);
  expect(standardError).toBeCloseTo(Math.sqrt(7 / 3), 14);
  expect(halfWidth).toBeCloseTo(4.30265 * Math.sqrt(7 / 3), 12);
});

it("takes the skewness out: of 1, 2 and 6 Hall's transform of Student's ratio is -+4.303 at the ends", () => {
  // m3 = (-8 - 1 + 27) / 3 = 6, s^3 = 7^1.5: g = 0.3240.
  const g = 6 / 7 ** 1.5;
  const transformed = (t: number) =>
    t + (g * t * t) / (3 * Math.sqrt(3)) + (g * g * t ** 3) / 81 + g / (6 * Math.sqrt(3));
  const { interval } = meanInterval([1, 2, 6]);
  const ratio = (end: number) => (3 - end) / Math.sqrt(7 / 3);
  expect(transformed(ratio(interval[0]))).toBeCloseTo(4.30265, 10);
  expect(transformed(ratio(interval[1]))).toBeCloseTo(-4.30265, 10);
});

it("is Student's interval where draws are symmetric, and a point where they are all alike", () => {
  const { mean, halfWidth, interval } = meanInterval([-1, 0, 1, 4, 5, 6]);
  expect(interval[0]).toBeCloseTo(mean - halfWidth, 12);
  expect(interval[1]).toBeCloseTo(mean + halfWidth, 12);
  expect(meanInterval([2, 2, 2])).toEqual({ mean: 2, standardError: 0, halfWidth: 0, interval: [2, 2] });
});

it('has no interval of one draw', () => {
  const none = Number.NaN;
  expect(meanInterval([2])).toEqual({ mean: 2, standardError: none, halfWidth: none, interval: [none, none] });
});

it('holds the mean of 93 to 96 % of 4000 samples of 20 exponential draws, more than the interval that is symmetric', () => {
  const draws = philoxUniforms(80_000, { seed: 3, stream: 0 }).map((u) => -Math.log1p(-u));
  let [skewed, symmetric] = [0, 0];
  for (let k = 0; k < 4000; k++) {
    const { mean, halfWidth, interval } = meanInterval(draws.subarray(20 * k, 20 * k + 20));
    if (interval[0] < 1 && 1 < interval[1]) skewed++;
    if (Math.abs(mean - 1) < halfWidth) symmetric++;
  }
  expect(skewed / 4000).toBeGreaterThan(0.93);
  expect(skewed / 4000).toBeLessThan(0.96);
  expect(skewed).toBeGreaterThan(symmetric + 40);
});

it('holds the mean of 94 to 96 % of 4000 samples of four normal draws; 1.96 standard errors would hold 86 %', () => {
  const draws = philoxNormals(16_000, { seed: 3, stream: 0 });
  let [student, normal] = [0, 0];
  for (let k = 0; k < 4000; k++) {
    const { mean, standardError, halfWidth } = meanInterval(draws.subarray(4 * k, 4 * k + 4));
    if (Math.abs(mean) < halfWidth) student++;
    if (Math.abs(mean) < 1.96 * standardError) normal++;
  }
  expect(student / 4000).toBeGreaterThan(0.94);
  expect(student / 4000).toBeLessThan(0.96);
  expect(normal / 4000).toBeLessThan(0.875);
});
