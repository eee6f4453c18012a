import type { AlphaResult, HessianSpectralDensity, LossLine, LossPlane, SearchResult } from '@qgen/measures';
import { plotAscent, plotLandscape, plotRanks, plotSearch, plotSpectralDensity } from '@qgen/measures/plots';
import { describe, expect, it } from 'vitest';
import { BROKEN, numbers, shapes, texts } from '../../../../test/svg';

const MEASURED_ON = { view: 'float', scope: 'weights', batchNorm: 'none', output: 'logits' } as const;
const evidence = {
  ...MEASURED_ON,
  ...{ status: 'converged', target: 0.1, magnitudeAware: false, accuracy: 0.9, examplesInBaseline: 100 },
  ...{ examplesEvaluated: 500, passEquivalents: 5, seed: 0, nonMonotone: false, warnings: [] },
} as const;
const point = (scale: number, drop: number) => ({ scale, drop, draws: 1, examples: 32 });
const sigma = {
  ...{ ...evidence, value: 0.2, ci95: [0.1, 0.4], protocol: 'fast', draws: 3 },
  trace: [point(0.1, 0.02), point(0.2, 0.1), point(0.4, 0.3)],
} as unknown as SearchResult;
const alpha = {
  ...{ ...evidence, value: 0.02, bracket: [0.019, 0.021], protocol: 'signPGD', ascent: 'signPGD', draws: 6 },
  ...{ epsilonInBall: null, occupancy: 1, trace: [point(0.01, 0.05), point(0.03, 0.2)] },
  ascentSteps: [
    { loss: 0.5, accuracy: 0.9 },
    { loss: 0.7, accuracy: 0.85 },
    { loss: 0.9, accuracy: 0.8 },
  ],
} as unknown as AlphaResult;

describe('plotSearch', () => {
  it('draws each draw on a logarithmic scale, the target and the interval', () => {
    const svg = plotSearch(sigma);
    const dots = shapes(svg, 'dot').filter((node) => node.getAttribute('cx') !== null);
    const [a, b, c] = numbers(dots, 'cx');
    expect(dots).toHaveLength(3);
    // 0.2 is the geometric mean of 0.1 and 0.4.
    expect(b! - a!).toBeCloseTo(c! - b!, 6);
    const [band] = shapes(svg, 'rect');
    expect(Number(band!.getAttribute('x'))).toBeCloseTo(a!, 6);
    expect(Number(band!.getAttribute('width'))).toBeCloseTo(c! - a!, 6);
    // The dashed line of the target goes through the dot whose drop is the target.
    const [target] = shapes(svg, 'rule');
    expect(Number(target!.getAttribute('y1'))).toBeCloseTo(numbers(dots, 'cy')[1]!, 6);
    expect(texts(svg)).toEqual(expect.arrayContaining(['The search for σ', 'σ (larger is flatter)']));
    expect(svg).not.toMatch(BROKEN);
  });

  it('compares several by name, and searches for alpha with their brackets', () => {
    const svg = plotSearch({ float: alpha, '4 bits': alpha });
    expect(texts(svg)).toEqual(expect.arrayContaining(['The search for α', '● float', '● 4 bits']));
    expect(shapes(svg, 'rect')).toHaveLength(2);
  });

  it('says that a search saturated, and keeps its dots', () => {
    const svg = plotSearch({ a: sigma, b: { ...sigma, value: null, ci95: null, status: 'saturated-high' } });
    expect(texts(svg)).toContain(
      'b: no value was found. The search saturated: not even the largest scale costs the target.',
    );
    expect(shapes(svg, 'rect')).toHaveLength(1);
  });

  it('draws no band where the interval ends at 0 or at infinity', () => {
    const svg = plotSearch({ ...sigma, ci95: [0, Number.POSITIVE_INFINITY] });
    expect(shapes(svg, 'rect')).toHaveLength(0);
    expect(svg).not.toMatch(BROKEN);
  });

  it('says that no scale was tried, and how the search ended', () => {
    const svg = plotSearch({ ...sigma, value: null, ci95: null, status: 'unreachable', trace: [] });
    expect(texts(svg)).toEqual([
      'The search for σ',
      'No scale was tried: unreachable.',
      'No value was found. The accuracy is too close to chance to drop by the target.',
    ]);
  });

  it('counts the points that are no numbers', () => {
    const svg = plotSearch({ ...sigma, trace: [...sigma.trace, point(0.3, Number.NaN), point(0, 0)] });
    expect(texts(svg)).toContain('2 points are not finite and left out.');
    expect(svg).not.toMatch(BROKEN);
  });

  it('refuses what is no search, and options that it does not have', () => {
    expect(() => plotSearch({ value: 3 } as never)).toThrow(/^plotSearch: needs a result of findSigma or findAlpha/);
    expect(() => plotSearch(sigma, { colour: 'red' } as never)).toThrow(/^plotSearch: .*colour/);
    expect(() => plotSearch(sigma, { width: -1 })).toThrow(/^plotSearch: width must be/);
  });
});

describe('plotAscent', () => {
  it('draws the accuracy step by step, and the accuracy less the target', () => {
    const svg = plotAscent(alpha);
    expect(shapes(svg, 'line')).toHaveLength(1);
    // 0.9 - 0.1 is where the third step ends.
    const end = /L[\d.]+,([\d.]+)$/.exec(shapes(svg, 'line')[0]!.getAttribute('d')!)![1];
    expect(Number(shapes(svg, 'rule')[0]!.getAttribute('y1'))).toBeCloseTo(Number(end), 2);
    expect(svg).not.toMatch(BROKEN);
  });

  it('says that no ascent was made', () => {
    const svg = plotAscent({ ...alpha, value: null, status: 'unreachable', ascentSteps: [] });
    expect(texts(svg)).toContain('No ascent was made: unreachable.');
  });

  it('refuses a search for sigma', () => {
    expect(() => plotAscent(sigma as never)).toThrow(/^plotAscent: needs a result of findAlpha/);
  });
});

const landscape = { ...MEASURED_ON, normalization: 'filter', seed: 0, examples: 10 } as const;
const line = {
  ...landscape,
  ...{ x: [-1, 0, 1], lengths: [1], loss: [2, 1, 2], accuracy: [0.5, 1, 0.5] },
} as unknown as LossLine;
const plane = {
  ...{ ...landscape, x: [-1, 0, 1], y: [-1, 0, 1], lengths: [1, 1], cosine: 0 },
  loss: [
    [4, 2, 4],
    [2, 1, 2],
    [4, 2, 4],
  ],
} as unknown as LossPlane;

describe('plotLandscape', () => {
  it('draws a curve for every line', () => {
    const svg = plotLandscape({ float: line, '2 bits': { ...line, loss: [3, 1, 3] } });
    expect(shapes(svg, 'line')).toHaveLength(2);
    expect(svg).not.toMatch(BROKEN);
  });

  it('breaks a curve where the loss is not finite, and says how often', () => {
    const svg = plotLandscape({ ...line, loss: [2, Number.NaN, Number.POSITIVE_INFINITY] });
    expect(texts(svg)).toContain('2 points are not finite and left out.');
    expect(svg).not.toMatch(BROKEN);
    expect(texts(plotLandscape({ ...line, loss: [Number.NaN, Number.NaN, Number.NaN] }))).toContain(
      'No loss along the line is finite.',
    );
  });

  it('draws planes side by side on one scale, which it names', () => {
    const svg = plotLandscape({
      float: plane,
      '2 bits': { ...plane, loss: plane.loss.map((row) => row.map((l) => 2 * l)) },
    });
    expect(texts(svg)).toEqual(expect.arrayContaining(['float', '2 bits']));
    expect(texts(svg).at(-1)).toMatch(/^Loss from 1\.00 \(dark\) to 8\.00 \(light\), one scale for all/);
    expect(shapes(svg, 'contour').length).toBeGreaterThan(10);
    expect(svg).not.toMatch(BROKEN);
    expect(plotLandscape(plane)).not.toMatch(BROKEN);
  });

  it('counts the points of a plane that have no logarithm', () => {
    const holes = {
      ...plane,
      loss: [
        [Number.NaN, 2, 4],
        [2, 0, 2],
        [4, 2, 4],
      ],
    } as unknown as LossPlane;
    expect(texts(plotLandscape(holes))).toContain('2 of 9 points are not above 0 and finite, and left out.');
  });

  it('says that a plane is flat, or has nothing to draw', () => {
    const all = (loss: number) => ({ ...plane, loss: plane.loss.map((row) => row.map(() => loss)) });
    expect(texts(plotLandscape(all(2)))).toContain('The loss is 2 everywhere.');
    expect(texts(plotLandscape(all(Number.NaN)))).toContain('No loss over the plane is finite and above 0.');
  });

  it('refuses lines among planes', () => {
    expect(() => plotLandscape({ a: line, b: plane } as never)).toThrow(
      /^plotLandscape: draw lines and planes apart, got 1 planes of 2/,
    );
  });
});

const density: HessianSpectralDensity = {
  ...{ ...MEASURED_ON, quantity: 'Hessian', dimension: 100, examples: 10 },
  ...{ values: [10, 0], weights: [0.1, 0.9] },
};

describe('plotSpectralDensity', () => {
  it('draws peaks whose heights are as the weights', () => {
    const svg = plotSpectralDensity(density);
    const [curve] = shapes(svg, 'line');
    const heights = [...curve!.getAttribute('d')!.matchAll(/[ML]?([\d.]+),([\d.]+)/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    const middle = heights.length / 2;
    const top = (part: number[][]) => Math.min(...part.map(([, y]) => y!));
    // On a logarithmic axis 0.9 and 0.1 are log10(9) decades apart; the ticks of a decade tell how long one is.
    const decade = numbers(
      [...shapes(svg, 'y-grid')].sort((a, b) => Number(a.getAttribute('y1')) - Number(b.getAttribute('y1'))),
      'y1',
    );
    const apart = top(heights.slice(middle)) - top(heights.slice(0, middle));
    expect(apart / (decade[1]! - decade[0]!)).toBeCloseTo(Math.log10(9), 1);
    expect(svg).not.toMatch(BROKEN);
  });

  it('draws a spectrum of zeros alone, and says where nothing is finite', () => {
    expect(plotSpectralDensity({ ...density, values: [0, 0] })).not.toMatch(BROKEN);
    const svg = plotSpectralDensity({ ...density, values: [Number.NaN, Number.NaN] });
    expect(texts(svg)).toContain('No eigenvalue is finite.');
  });
});

describe('plotRanks', () => {
  const rows = [
    { sharpness: 1, gap: 0.1, hp: { bits: 2 } },
    { sharpness: 3, gap: 0.2, hp: { bits: 4 } },
    { sharpness: 2, gap: 0.3, hp: { bits: 4 } },
    { sharpness: null, gap: 0.4, hp: { bits: 2 } },
  ];

  it('draws a dot for every model by its ranks, and says tau', () => {
    const svg = plotRanks(rows, { measure: 'sharpness', gap: 'gap', colour: 'bits' });
    const dots = shapes(svg, 'dot');
    expect(dots).toHaveLength(3);
    const [first, second, third] = numbers(dots, 'cx');
    expect(second! - third!).toBeCloseTo(third! - first!, 6);
    // Two of three pairs are in order: (2 - 1) / 3.
    expect(texts(svg)).toEqual(
      expect.arrayContaining(['● 2', '● 4', 'tau = 0.333 over 3 models', '1 without a measure or a gap left out.']),
    );
    expect(svg).not.toMatch(BROKEN);
  });

  it('shares the mean rank among equal values', () => {
    const equal = [1, 1, 2].map((sharpness, i) => ({ sharpness, gap: i }));
    const [a, b, c] = numbers(shapes(plotRanks(equal, { measure: 'sharpness', gap: 'gap' }), 'dot'), 'cx');
    expect(a).toBe(b);
    const ranks = numbers(
      shapes(
        plotRanks(
          [1, 2, 3].map((s) => ({ s, gap: s })),
          { measure: 's', gap: 'gap' },
        ),
        'dot',
      ),
      'cx',
    );
    // Ranks 1.5, 1.5 and 3: half way from 1 to 2.
    expect(a).toBeCloseTo((ranks[0]! + ranks[1]!) / 2, 6);
    expect(c).toBeCloseTo(ranks[2]!, 6);
  });

  it('says that there is no model to draw', () => {
    const svg = plotRanks([{ sharpness: Number.NaN, gap: 1 }], { measure: 'sharpness', gap: 'gap' });
    expect(texts(svg)).toContain('No model has both a measure and a gap.');
    expect(svg).not.toMatch(BROKEN);
  });
});
