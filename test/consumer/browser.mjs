import * as corruptions from '@qgen/corruptions';
import * as lsq from '@qgen/lsq';
import * as measures from '@qgen/measures';
import * as models from '@qgen/models';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import plainUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simdUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threadedSimdUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { everything } from './everything.mjs';

const show = (outcome) => {
  document.querySelector('#result').textContent = JSON.stringify(outcome);
};
setWasmPaths({
  'tfjs-backend-wasm.wasm': plainUrl,
  'tfjs-backend-wasm-simd.wasm': simdUrl,
  'tfjs-backend-wasm-threaded-simd.wasm': threadedSimdUrl,
});
try {
  await tf.ready();
  const result = await everything({ tf, tfl, lsq, measures, corruptions, models });
  sessionStorage.setItem('topology', JSON.stringify(result.topology));
  show(result);
} catch (error) {
  show({ error: String(error.stack ?? error) });
}
