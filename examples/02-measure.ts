/** Measure one model: its generalization gap, the magnitude of its weights, and all flatness measures of the paper. */
import { generalizationGap, measureFlatness, snapshot, weightNorms } from '@qgen/measures';
import { digits, smallNetwork, trained } from './shared/digits';

const data = await digits();
const model = smallNetwork();
const initial = await snapshot(model); // the measures look at how far training went
await trained(model, data, 6);

const { train, test, lossGap } = await generalizationGap(model, data.train, data.test);
console.log(`loss: ${train.loss.toFixed(4)} on training data, ${test.loss.toFixed(4)} on test data`);
console.log(
  `generalization gap: ${lossGap.value.toFixed(4)} ± ${lossGap.standardError.toFixed(4)} (smaller is better)`,
);
const { total } = await weightNorms(model, { initial });
console.log(`‖w‖₂ = ${total.l2.toFixed(2)}, ‖w − w₀‖₂ = ${total.distance?.toFixed(2)}`);

const report = await measureFlatness(model, data.train, {
  initial,
  seed: 1,
  onProgress: ({ search, estimate, draws }) =>
    process.stderr.write(`\r${search}: ${estimate?.toPrecision(3) ?? '…'} after ${draws} draws `),
});
console.log(`\n\n${report.toMarkdown()}`);
