import { philoxNormals } from '@qgen/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { measureFlatness } from '../../src/flatness/measure-flatness';
import { exampleOrder } from '../../src/search/example-order';
import { findSigma } from '../../src/search/sigma/find-sigma';
import { snapshot } from '../../src/subject/snapshot';
import { independent, units } from '../independent';
import { smallData, smallNet } from '../interruption';

describe.each(backends)('the searches on %s', { timeout: 120_000 }, (backend) => {
  beforeAll(() => useBackend(backend));

  it('findSigma finds 1 / 1.28155 where Phi(-1 / sigma) = 0.1, with the same draws on every backend', async () => {
    const model = independent();
    const leaked = await leakedTensors(async () => {
      const found = await findSigma(model, units(128), { relativeTolerance: 0.08, seed: 2, start: 0.9 });
      expect(found.status).toBe('converged');
      expect(Math.abs(Math.log(found.value! * 1.28155))).toBeLessThan(0.12);
      // Draw k sees the first 32 examples of the k-th order, and goes wrong where 1 + 0.9 z falls below 0.
      for (const [k, { drop }] of found.trace.slice(0, 4).entries()) {
        const z = philoxNormals(128, { seed: 2, stream: k });
        const wrong = [...exampleOrder(128, 2, k)(32)].filter((index) => 1 + 0.9 * z[index]! < 0);
        expect(drop).toBe(wrong.length / 32);
        expect(drop).toBeGreaterThan(0);
      }
    });
    expect(leaked).toBe(0);
  });

  it('measureFlatness runs a net with convolution and batch normalization through all four searches', async () => {
    const model = smallNet();
    const initial = await snapshot(model);
    const weights = () => Promise.all(model.weights.map((weight) => weight.read().data()));
    const before = await weights();
    const options = {
      initial,
      sigma: { maxExamples: 300 },
      alpha: { steps: 2, bracketSteps: 1, relativeTolerance: 0.2 },
    };
    const report = await measureFlatness(model, smallData, options);
    expect(await weights()).toEqual(before);
    expect(report.distance).toBe(0);
    expect(report.setting).toMatchObject({ view: 'float', batchNorm: 'fold', m: 24 });
    expect(Object.values(report.searches).map((search) => search.status)).not.toContain('aborted');
  });
});
