import { describe, expect, it } from 'vitest';
import { runningMean } from '../../src/statistics/running-mean';

describe('runningMean', () => {
  it('gives the mean and its standard error', () => {
    const running = runningMean();
    for (const value of [2, 4, 4, 4, 5, 5, 7, 9]) running.add(value);
    expect(running.count).toBe(8);
    expect(running.mean).toBeCloseTo(5, 12);
    // Σ(x − 5)² = 9 + 3·1 + 0 + 4 + 16 = 32; sqrt(32 / (8·7))
    expect(running.standardError).toBeCloseTo(Math.sqrt(32 / 56), 12);
  });

  it('keeps its digits far from zero', () => {
    const running = runningMean();
    for (let i = 0; i < 1000; i++) running.add(1e9 + (i % 2));
    expect(running.mean - 1e9).toBeCloseTo(0.5, 6);
    expect(running.standardError).toBeCloseTo(Math.sqrt(250 / (1000 * 999)), 8);
  });

  it('knows no mean of nothing and no error of one value, and passes NaN on', () => {
    const running = runningMean();
    expect(running.mean).toBeNaN();
    running.add(3);
    expect(running.mean).toBe(3);
    expect(running.standardError).toBeNaN();
    running.add(Number.NaN);
    expect(running.mean).toBeNaN();
  });
});
