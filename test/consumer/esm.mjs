import '@tensorflow/tfjs-backend-wasm';
import * as corruptions from '@qgen/corruptions';
import * as lsq from '@qgen/lsq';
import * as measures from '@qgen/measures';
import * as models from '@qgen/models';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { everything } from './everything.mjs';

await tf.ready();
console.log(JSON.stringify(await everything({ tf, tfl, lsq, measures, corruptions, models })));
