// Nothing is imported by name: a bundler that took the package for free of side effects would drop it.
import '@qgen/lsq';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';

const modelTopology = JSON.parse(sessionStorage.getItem('topology'));
const shown = await loadLayersModel(tf.io.fromMemory({ modelTopology })).then(
  (model) => ({ layers: model.layers.length }),
  (error) => ({ error: String(error) }),
);
document.querySelector('#result').textContent = JSON.stringify(shown);
