import {
  averageSharpness,
  hessianEigenvalues,
  hessianSpectralDensity,
  hessianTrace,
  samSharpness,
} from '@qgen/measures';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../test/backends';
import { smallData, smallNet } from './interruption';

type Measure = (model: never, data: never, options: never) => Promise<unknown>;
type Case = readonly [options: unknown, error: typeof TypeError | typeof RangeError, message: string];

const ofSubject: Case[] = [
  [{ scope: 'kernels' }, RangeError, "scope must be 'weights' or 'all', got kernels"],
  [{ view: 'quantized' }, RangeError, 'view must be'],
  [{ batchNorm: 'folded' }, RangeError, "batchNorm must be 'fold' or 'inference', got folded; did you mean 'fold'?"],
  [{ batchsize: 8 }, RangeError, "there is no option 'batchsize'; did you mean 'batchSize'?"],
  [{ batchSize: 0 }, RangeError, 'batchSize must be a positive integer, got 0'],
  [{ batchSize: 2.5 }, RangeError, 'batchSize must be a positive integer, got 2.5'],
  [{ batchSize: '8' }, RangeError, "batchSize must be a positive integer, got '8'"],
  [{ seed: -1 }, RangeError, 'seed must be an integer from 0 to 2^53 - 1, got -1'],
  [{ seed: 2 ** 53 }, RangeError, 'seed must be an integer'],
  [{ seed: Number.NaN }, RangeError, 'seed must be an integer from 0 to 2^53 - 1, got NaN'],
  [null, TypeError, 'options must be an object'],
  ['all', TypeError, 'options must be an object'],
  [[], TypeError, 'options must be an object'],
];
const ofRho: Case[] = [
  [{ rho: -0.1 }, RangeError, 'rho must be a finite number of 0 or more, got -0.1'],
  [{ rho: Number.NaN }, RangeError, 'rho must be a finite number of 0 or more, got NaN'],
  [{ rho: Number.POSITIVE_INFINITY }, RangeError, 'rho must be a finite number'],
  [{ rho: '0.1' }, RangeError, 'rho must be a finite number'],
  [{ adaptive: 'yes' }, TypeError, "adaptive must be true or false, got 'yes'"],
  [{ rhoo: 0.1 }, RangeError, "there is no option 'rhoo'; did you mean 'rho'?"],
];
const ofCurvature: Case[] = [
  [{ curvature: 'gaussNewton' }, RangeError, "curvature must be 'exact' or 'gauss-newton' or 'smoothed'"],
  [{ curvature: 'gaussNewton' }, RangeError, "did you mean 'gauss-newton'?"],
  [{ radius: 0.1 }, RangeError, "option 'radius' belongs to curvature: 'smoothed'"],
  [{ curvature: 'smoothed' }, RangeError, "curvature 'smoothed' needs a radius above 0, got undefined"],
  [{ curvature: 'smoothed', radius: 0 }, RangeError, "curvature 'smoothed' needs a radius above 0, got 0"],
  [{ curvature: 'smoothed', radius: '1' }, RangeError, "curvature 'smoothed' needs a radius above 0"],
];

const cases: Record<string, [Measure, Case[]]> = {
  samSharpness: [
    samSharpness,
    [
      ...ofRho,
      [{ steps: 0 }, RangeError, 'steps must be a positive integer, got 0'],
      [{ groupSize: 25 }, RangeError, 'groupSize must be from 1 to the 24 examples, got 25'],
      [{ groupSize: 1.5 }, RangeError, 'groupSize must be a positive integer, got 1.5'],
      [{ draws: 3 }, RangeError, "there is no option 'draws'"],
    ],
  ],
  averageSharpness: [
    averageSharpness,
    [
      ...ofRho,
      [{ draws: 0 }, RangeError, 'draws must be a positive integer, got 0'],
      [{ draws: Number.POSITIVE_INFINITY }, RangeError, 'draws must be a positive integer, got Infinity'],
      [{ norm: 'l1' }, RangeError, "norm must be 'l2' or 'linf', got l1"],
      [{ normalizeLogits: 1 }, TypeError, 'normalizeLogits must be true or false, got 1'],
    ],
  ],
  hessianEigenvalues: [
    hessianEigenvalues,
    [
      ...ofCurvature,
      [{ count: 0 }, RangeError, 'count must be a positive integer, got 0'],
      [{ count: 1e6, maxProducts: 1e6 }, RangeError, 'count must be from 1 to the 390 parameters, got 1000000'],
      [{ count: 2, maxProducts: 1 }, RangeError, 'maxProducts must be at least count, 2, got 1'],
      [{ which: 'top' }, RangeError, "which must be 'largest' or 'smallest', got top"],
      [{ tolerance: 0 }, RangeError, 'tolerance must be positive, got 0'],
    ],
  ],
  hessianTrace: [
    hessianTrace,
    [
      ...ofCurvature,
      [{ maxProbes: 1 }, RangeError, 'maxProbes must be at least 2, got 1'],
      [{ maxProbes: Number.NaN }, RangeError, 'maxProbes must be a positive integer, got NaN'],
      [{ relativeTolerance: -1 }, RangeError, 'relativeTolerance must be positive, got -1'],
      [{ probes: 10 }, RangeError, "there is no option 'probes'"],
    ],
  ],
  hessianSpectralDensity: [
    hessianSpectralDensity,
    [
      ...ofCurvature,
      [{ probes: 0 }, RangeError, 'probes must be a positive integer, got 0'],
      [{ steps: 0.5 }, RangeError, 'steps must be a positive integer, got 0.5'],
      [{ seed: 2 ** 52, probes: 2 }, RangeError, 'seed times probes must be below 2^53'],
    ],
  ],
};

describe.each(Object.entries(cases))('%s refuses', (name, [measure, own]) => {
  beforeAll(() => useBackend('cpu'));

  it.each([...ofSubject, ...own])('%j', async (options, type, message) => {
    const model = smallNet();
    const leaked = await leakedTensors(async () => {
      const failure = (await measure(model as never, smallData as never, options as never).catch(
        (error: Error) => error,
      )) as Error;
      expect(failure).toBeInstanceOf(type);
      expect(failure.message).toContain(message);
      expect(failure.message.startsWith(`${name}: `)).toBe(true);
    });
    expect(leaked).toBe(0);
    model.dispose();
  });

  it('what is no model, and data without examples', async () => {
    const model = smallNet();
    await expect(measure(3 as never, smallData as never, {} as never)).rejects.toThrow(`${name}: a model is`);
    const none = { xs: new Float32Array(0), ys: [], shape: [6, 6, 2] };
    await expect(measure(model as never, none as never, {} as never)).rejects.toThrow(
      `${name}: the data hold no example`,
    );
    model.dispose();
  });
});
