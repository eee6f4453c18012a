import { conditionalMutualInformation, granulatedKendall, kendallTau, rankMeasures, signError } from '@qgen/measures';
import { describe, expect, it } from 'vitest';

const rows = [2, 4, 8].map((bits) => ({ bits, lr: 1, gap: bits, measure: bits }));
const given = { measure: 'measure', gap: 'gap', axes: ['bits', 'lr'] };
type Statistic = (rows: never, options: never) => unknown;
type Case = readonly [rows: unknown, options: unknown, error: typeof TypeError | typeof RangeError, message: string];

const ofPool: Case[] = [
  [null, given, TypeError, 'rows must be an array of models, got null'],
  [{ ...rows }, given, TypeError, 'rows must be an array of models, got [object Object]'],
  [[3], given, TypeError, 'a row must be an object, got 3'],
  [[null], given, TypeError, 'a row must be an object, got null'],
  [rows, null, TypeError, 'options must be an object'],
  [rows, { ...given, axis: ['bits'] }, RangeError, "there is no option 'axis'; did you mean 'axes'?"],
  [rows, { ...given, axes: 'bits' }, TypeError, 'axes must be an array of names, got bits'],
  [rows, { ...given, axes: [3] }, TypeError, 'axes must be an array of names, got 3'],
  [
    rows,
    { ...given, axes: ['depth', 'bits'] },
    RangeError,
    "no field 'depth' in a row nor in its hp, which has bits, lr, gap, measure",
  ],
  [rows, { ...given, gap: 'gab' }, RangeError, "no field 'gab' in a row"],
  [rows, { ...given, gap: undefined }, TypeError, 'gap must be the name of a field or a function, got undefined'],
  [rows.map((row) => ({ ...row, gap: '3' })), given, TypeError, 'a measured value must be a number, got "3"'],
];
const ofMeasure: Case[] = [
  [rows, { ...given, measure: 3 }, TypeError, 'measure must be the name of a field or a function, got 3'],
];
const ofRepeats: Case[] = [
  [rows, { ...given, repeats: 3 }, TypeError, 'repeats must be a name or an array of names, got 3'],
  [rows, { ...given, repeats: 'lr' }, RangeError, "'lr' is both an axis and a repeat"],
  [rows, { ...given, repeats: 'seed' }, RangeError, "no field 'seed' in a row"],
];
const ofTest: Case[] = [
  [rows, { ...given, testExamples: -1 }, RangeError, 'testExamples must be a finite number of 0 or more, got -1'],
  [
    rows,
    { ...given, testExamples: Number.NaN },
    RangeError,
    'testExamples must be a finite number of 0 or more, got NaN',
  ],
  [rows, { ...given, testExamples: '100' }, RangeError, "testExamples must be a finite number of 0 or more, got '100'"],
  [
    rows,
    { ...given, minEffectiveSampleSize: -1 },
    RangeError,
    'minEffectiveSampleSize must be a finite number of 0 or more',
  ],
];

const cases: Record<string, [Statistic, Case[]]> = {
  granulatedKendall: [
    granulatedKendall,
    [...ofPool, ...ofMeasure, ...ofRepeats, [rows, { ...given, axes: [] }, RangeError, 'axes is empty']],
  ],
  conditionalMutualInformation: [
    conditionalMutualInformation,
    [
      ...ofPool,
      ...ofMeasure,
      [rows, { ...given, dialect: 'pgdl2020' }, RangeError, "dialect must be 'jiang2019' or 'pgdl', got pgdl2020"],
      [rows, { ...given, dialect: 'pgdl', axes: ['bits'] }, RangeError, "dialect 'pgdl' conditions on two axes, got 1"],
      [
        rows,
        { ...given, dialect: 'pgdl', maxConditioned: 1 },
        RangeError,
        "option 'maxConditioned' belongs to dialect: 'jiang2019'",
      ],
      [rows, { ...given, maxConditioned: 1.5 }, RangeError, 'maxConditioned must be an integer of 0 or more, got 1.5'],
      [rows, { ...given, maxConditioned: -1 }, RangeError, 'maxConditioned must be an integer of 0 or more, got -1'],
    ],
  ],
  signError: [signError, [...ofPool, ...ofMeasure, ...ofTest]],
  rankMeasures: [
    rankMeasures,
    [
      ...ofPool.map(([a, options, ...rest]): Case => {
        const { measure: _, ...others } = (options ?? {}) as typeof given;
        return [a, options && { ...others, measures: ['measure'] }, ...rest];
      }),
      ...[...ofRepeats, ...ofTest].map(([a, options, ...rest]): Case => {
        const { measure: _, ...others } = options as typeof given;
        return [a, { ...others, measures: ['measure'] }, ...rest];
      }),
      [
        rows,
        { gap: 'gap', measures: 'measure' },
        TypeError,
        'measures must be an array of names or an object of fields',
      ],
      [rows, { gap: 'gap', measures: [] }, RangeError, 'measures is empty'],
      [
        rows,
        { gap: 'gap', measures: { x: 3 } },
        TypeError,
        'measures.x must be the name of a field or a function, got 3',
      ],
      [
        rows,
        { gap: 'gap', measures: ['measure'], resamples: -1 },
        RangeError,
        'resamples must be an integer of 0 or more, got -1',
      ],
      [rows, { gap: 'gap', measures: ['measure'], seed: 0.5 }, RangeError, 'seed must be an integer from 0'],
    ],
  ],
};

describe.each(Object.entries(cases))('%s refuses', (name, [statistic, all]) => {
  it.each(all)('%j, %j', async (pool, options, type, message) => {
    const failure = await Promise.resolve()
      .then(() => statistic(pool as never, options as never))
      .catch((error: Error) => error);
    expect(failure).toBeInstanceOf(type);
    expect((failure as Error).message).toContain(message);
    expect((failure as Error).message.startsWith(`${name}: `)).toBe(true);
  });
});

describe('kendallTau refuses', () => {
  it.each([
    [[1, 2], [1], RangeError, 'x and y must have the same length, got 2 and 1'],
    [undefined, [1], TypeError, 'x and y must be arrays of numbers, got undefined'],
    [[1], 3, TypeError, 'x and y must be arrays of numbers, got 3'],
    ['12', [1, 2], TypeError, 'x and y must be arrays of numbers, got 12'],
  ])('%j, %j', (x, y, type, message) => {
    expect(() => kendallTau(x as never, y as never)).toThrow(type);
    expect(() => kendallTau(x as never, y as never)).toThrow(`kendallTau: ${message}`);
  });
});
