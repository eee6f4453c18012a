/**
 * From a float model to 4 bits, as docs/float-to-4-bits.md tells it: takes the super-resolution network of the npm
 * package @upscalerjs/default-model (MIT), quantizes it, fine-tunes it on crops of one photo and reports what it does to
 * another one, before and after.
 *
 *     npm run example -- float-to-4-bits [--bits 4] [--steps 60] [--out DIR]
 */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { quantizeUpscaler } from './float-to-4-bits/super-resolution';

const { values } = parseArgs({
  options: {
    bits: { type: 'string', default: '4' },
    steps: { type: 'string', default: '60' },
    out: { type: 'string', default: 'results/float-to-4-bits' },
  },
});
await tf.setBackend('wasm');
console.table(await quantizeUpscaler({ bits: Number(values.bits), steps: Number(values.steps), out: values.out }));
