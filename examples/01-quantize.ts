/**
 * Quantize and ship a 4-bit model: train in float, fine-tune at 4 bits with a learned step size, write the codes packed
 * at 4 bits a weight, read them back, and check that nothing changed.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { exportQuantized, loadQuantized, modelSize, quantizeModel, summary } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { accuracy, digits, smallNetwork, trained } from './shared/digits';

const data = await digits();
const float = await trained(smallNetwork(), data, 4);
const quantized = await trained(await quantizeModel(float, { bits: 4 }), data, 2, 0.001);
console.log(summary(quantized));

const artifacts = await exportQuantized(quantized, { format: 'packed' });
const shipped = (await loadQuantized(tf.io.fromMemory(artifacts))) as LayersModel;
const folder = 'results/quantize';
mkdirSync(folder, { recursive: true });
const bytes = tf.io.CompositeArrayBuffer.join(artifacts.weightData);
writeFileSync(`${folder}/weights.bin`, new Uint8Array(bytes));

const { floatBytes } = modelSize(quantized);
const same = tf.tidy(() => {
  const [before, after] = [quantized, shipped].map((model) => model.predict(data.test.xs) as tf.Tensor);
  return tf.all(tf.equal(before, after)).dataSync();
});
console.log(`accuracy: ${accuracy(float, data)} in float, ${accuracy(quantized, data)} at 4 bits`);
console.log(`weights: ${floatBytes} bytes in float, ${bytes.byteLength} in ${folder}/weights.bin`);
console.log(`what was loaded predicts ${same[0] ? 'bit for bit the same' : 'something else'}`);
