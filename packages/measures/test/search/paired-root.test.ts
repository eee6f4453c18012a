import { philoxNormals } from '@qgen/core';
import { describe, expect, it } from 'vitest';
import { estimateDifference, estimateRoot, sideOf } from '../../src/search/sigma/paired-root';

const target = 0.1;

/** Groups of eight draws: at exp(centre - spread) the first number of each, above the second, at the centre the third. */
const groups = (centre: number, spread: number, ...means: readonly (readonly [number, number, number])[]) => ({
  centre,
  spread,
  drops: means.flatMap(([low, high, middle]) => [low, middle, middle, middle, high, middle, middle, middle]),
});

describe('the root near a scale', () => {
  it('is where the power law through the mean drops passes the target', () => {
    // Drops 0.05 and 0.2 at ln scale -1 and 1: the slope is ln 4 / 2, and 0.1 lies ln(0.1/0.08) / slope above the centre.
    const means = [
      [0.04, 0.18, 0.07],
      [0.06, 0.22, 0.09],
      [0.05, 0.2, 0.08],
    ] as const;
    const drops = groups(0, 1, ...means);
    expect(estimateRoot(drops, target).value).toBeCloseTo(Math.log(1.25) / Math.LN2, 14);
    expect(estimateRoot({ ...drops, centre: 3 }, target).value).toBeCloseTo(3 + Math.log(1.25) / Math.LN2, 14);
    expect(estimateRoot(drops, 0.08).value).toBeCloseTo(0, 14);
    expect(estimateRoot(drops, target).halfWidth).toBeGreaterThan(0);
  });

  it('does not mind a curve that bends: drops 0.02, 0.1 and 0.2 at ln scale -1, 0 and 1 pass 0.1 at 0', () => {
    expect(estimateRoot(groups(0, 1, [0.02, 0.2, 0.1], [0.02, 0.2, 0.1]), target).value).toBeCloseTo(0, 14);
  });

  it('has no error where all draws agree, and is NaN where the drops do not rise or nothing drops', () => {
    const same = (low: number, high: number, middle: number) => groups(0, 1, [low, high, middle], [low, high, middle]);
    expect(estimateRoot(same(0.05, 0.2, 0.1), target).halfWidth).toBeCloseTo(0, 12);
    expect(estimateRoot(same(0.2, 0.05, 0.1), target).value).toBeNaN();
    expect(estimateRoot(same(0, 0.2, 0.1), target).value).toBeNaN();
    expect(estimateRoot(same(0.05, 0.2, 0), target).value).toBeNaN();
  });

  it('differs without error between models that every draw treats alike', () => {
    const a = groups(0, 0.3, [0.04, 0.18, 0.09], [0.06, 0.22, 0.11], [0.05, 0.2, 0.1]);
    const b = { ...a, centre: Math.LN2 };
    const { value, halfWidth } = estimateDifference(a, b, target);
    expect(value).toBeCloseTo(Math.LN2, 14);
    expect(halfWidth).toBeCloseTo(0, 12);
  });
});

describe('the paired interval', () => {
  /** Drops of two models with roots 0 and 0.2 on power laws of slopes 2 and 1.5, of skewed noise of correlation `shared`. */
  const simulate = (seed: number, shared: number) => {
    const n = 512;
    const [common, first, second] = [0, 1, 2].map((stream) => philoxNormals(n, { seed, stream }));
    const places = Array.from(philoxNormals(2, { seed, stream: 3 }), (z) => 0.04 * z);
    const model = (own: ArrayLike<number>, root: number, slope: number, centre: number) => {
      const drops = Float64Array.from({ length: n }, (_, k) => {
        const x = centre + 0.3 * sideOf(k);
        const z = Math.sqrt(shared) * common[k]! + Math.sqrt(1 - shared) * own[k]!;
        // Log-normal of mean 1: a few draws lose far more than the rest.
        return target * Math.exp(slope * (x - root)) * Math.exp(0.6 * z - 0.18);
      });
      return { centre, spread: 0.3, drops };
    };
    return [model(first, 0, 2, places[0]!), model(second, 0.2, 1.5, 0.2 + places[1]!)] as const;
  };

  it.each([
    [0, 1.05],
    [0.5, 0.85],
    [0.9, 0.6],
  ])('at a correlation of the noise of %d holds the difference in 19 of 20 of 1000 runs', (shared, width) => {
    let covered = 0;
    let narrower = 0;
    for (let seed = 0; seed < 1000; seed++) {
      const [a, b] = simulate(seed, shared);
      const { value, halfWidth } = estimateDifference(a, b, target);
      if (Math.abs(value - 0.2) <= halfWidth) covered++;
      const unpaired = Math.hypot(estimateRoot(a, target).halfWidth, estimateRoot(b, target).halfWidth);
      narrower += halfWidth / unpaired / 1000;
    }
    // 99 % of binomial counts at 0.95 lie in 932 … 967.
    expect(covered).toBeGreaterThanOrEqual(932);
    expect(covered).toBeLessThanOrEqual(967);
    // At best sqrt(1 - correlation); the noise of slopes is not all common.
    expect(narrower).toBeLessThan(width);
  });
});
