/**
 * Rank measures by Kendall's tau over a pool of models: which number, known after training, orders the models as their
 * generalization gaps do? A pool of two widths, two lengths of training and two precisions, small enough to wait for.
 */
import { quantizeModel } from '@qgen/lsq';
import { findSigma, generalizationGap, granulatedKendall, kendallTau, weightNorms } from '@qgen/measures';
import { digits, smallNetwork, trained } from './shared/digits';

const data = await digits();
const pool: Record<string, number>[] = [];
for (const filters of [4, 8])
  for (const epochs of [2, 5])
    for (const bits of [32, 3]) {
      const float = smallNetwork(1, filters);
      const model = await trained(
        bits === 32 ? float : await quantizeModel(float, { bits, firstLast: 'same' }),
        data,
        epochs,
      );
      const { lossGap } = await generalizationGap(model, data.train, data.test);
      const sigma = await findSigma(model, data.train, { seed: 1, relativeTolerance: 0.1 });
      const { total } = await weightNorms(model);
      pool.push({
        filters,
        epochs,
        bits,
        gap: lossGap.value,
        'l2 norm': total.l2,
        'sharpness 1/σ²': sigma.value === null ? Number.NaN : 1 / sigma.value ** 2,
      });
      model.dispose();
    }
console.table(pool);

const gaps = pool.map(({ gap }) => gap);
console.log('τ_b and Ψ: 1 orders the models as their gaps do, 0 not at all, −1 the other way round');
for (const measure of ['l2 norm', 'sharpness 1/σ²']) {
  const { tauB, n } = kendallTau(
    pool.map((row) => row[measure]),
    gaps,
  );
  const { byAxis, average } = granulatedKendall(pool, { measure, gap: 'gap', axes: ['filters', 'epochs', 'bits'] });
  console.log(`${measure}: τ_b = ${tauB?.toFixed(2)} over ${n} models, Ψ = ${average?.toFixed(2)}`, byAxis);
}
