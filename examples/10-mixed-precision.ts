/**
 * Mixed precision: which layers can do with 2 bits, and which need more?
 *
 * Trains a small network on handwritten digits in float, measures for every layer alone what fewer bits do to its loss,
 * spends a budget of bytes where they help most, and fine-tunes. Beside it the same number of bytes spread evenly.
 */
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { chooseBits } from './mixed-precision/choose-bits';

await tf.setBackend('wasm');
const { rows, bits } = await chooseBits();
console.table(rows);
console.log('bits:', bits);
