import { describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../test/backends';
import { hessianEigenvalues } from '../src/curvature/hessian-eigenvalues';
import { hessianTrace } from '../src/curvature/hessian-trace';
import { averageSharpness } from '../src/flatness/average-sharpness';
import { samSharpness } from '../src/flatness/sam-sharpness';
import { lossLandscape } from '../src/landscape/loss-landscape';
import { normMeasures } from '../src/norms/norm-measures';
import { smallData, smallNet } from './interruption';

/** One number of everything that draws, climbs or differentiates, from one seed. */
async function numbers(): Promise<Record<string, number>> {
  const model = smallNet();
  const options = { seed: 5, batchSize: 12 };
  try {
    return {
      sam: (await samSharpness(model, smallData, { batchSize: 12, rho: 0.2 })).value,
      adaptive: (await samSharpness(model, smallData, { batchSize: 12, rho: 0.2, adaptive: true, steps: 2 })).value,
      average: (await averageSharpness(model, smallData, { ...options, draws: 2, rho: 0.3 })).value,
      landscape: (await lossLandscape(model, smallData, { ...options, x: [0.5] })).loss[0]!,
      gaussNewton: (
        await hessianEigenvalues(model, smallData, { ...options, maxProducts: 3, curvature: 'gauss-newton' })
      ).values[0]!,
      hessian: (await hessianEigenvalues(model, smallData, { ...options, maxProducts: 2 })).values[0]!,
      trace: (await hessianTrace(model, smallData, { ...options, maxProbes: 2 })).value,
      pathNorm: (await normMeasures(model, smallData, { batchSize: 12 })).measures.PATH_NORM.raw!,
      margin: (await normMeasures(model, smallData, { batchSize: 12 })).margin,
    };
  } finally {
    model.dispose();
  }
}

describe.each(backends)('on %s', (backend) => {
  it('every number is that of the cpu backend up to rounding', { timeout: 120_000 }, async () => {
    await useBackend('cpu');
    const expected = await numbers();
    await useBackend(backend);
    const result = await numbers();
    for (const [name, value] of Object.entries(expected)) expect(result[name]! / value, name).toBeCloseTo(1, 3);
  });
});
