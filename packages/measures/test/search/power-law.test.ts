import { philoxNormals } from '@qgen/core';
import { expect, it } from 'vitest';
import { fitPowerLaw } from '../../src/search/sigma/power-law';

const start = { root: 0.3, slope: 2 };

it('points on 0.1 exp(2.5 (x - 0.2)) give the root 0.2 and the exponent 2.5', () => {
  const points = [-0.4, -0.2, 0, 0.2, 0.4].map((x) => ({ x, drop: 0.1 * Math.exp(2.5 * (x - 0.2)) }));
  const { root, slope, halfWidth } = fitPowerLaw(points, 0.1, start);
  expect(root).toBeCloseTo(0.2, 6);
  expect(slope).toBeCloseTo(2.5, 4);
  expect(halfWidth).toBeLessThan(1e-3);
});

it('of 1000 noisy experiments 93 to 97 % of the intervals hold the root, and the mean error is below 0.5 %', () => {
  const noise = philoxNormals(1000 * 40, { seed: 1, stream: 0 });
  let [held, error] = [0, 0];
  for (let k = 0; k < 1000; k++) {
    const points = Array.from({ length: 40 }, (_, i) => {
      const x = i % 2 === 0 ? 0.02 : 0.38;
      const drop = 0.1 * Math.exp(2 * (x - 0.2));
      return { x, drop: drop + 0.08 * Math.sqrt(drop) * noise[40 * k + i]! };
    });
    const { root, halfWidth } = fitPowerLaw(points, 0.1, start);
    if (Math.abs(root - 0.2) <= halfWidth) held++;
    error += (root - 0.2) / 1000;
  }
  expect(held).toBeGreaterThan(930);
  expect(held).toBeLessThan(970);
  expect(Math.abs(error)).toBeLessThan(0.005);
});

it('zeros alone do not carry the root away from the draws, and determine nothing', () => {
  const points = [0, 0.1, 0.2].map((x) => ({ x, drop: 0 }));
  const { root, slope } = fitPowerLaw(points, 0.1, start);
  expect(root).toBe(0.2);
  expect(slope).toBeGreaterThan(0);
});

it('one or two draws have no interval', () => {
  expect(fitPowerLaw([{ x: 0, drop: 0.1 }], 0.1, start).halfWidth).toBe(Number.POSITIVE_INFINITY);
  expect(
    fitPowerLaw(
      [0, 1].map((x) => ({ x, drop: 0.1 })),
      0.1,
      start,
    ).halfWidth,
  ).toBe(Number.POSITIVE_INFINITY);
});
