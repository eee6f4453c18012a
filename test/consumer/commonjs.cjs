require('@tensorflow/tfjs-backend-wasm');
const tf = require('@tensorflow/tfjs-core');
const tfl = require('@tensorflow/tfjs-layers');
const lsq = require('@qgen/lsq');
const measures = require('@qgen/measures');
const corruptions = require('@qgen/corruptions');
const models = require('@qgen/models');
const kernels = require('@qgen/kernels');
const { randomNormal } = require('@qgen/kernels/random');
const { registerKernels } = require('@qgen/kernels/register');

async function main() {
  await tf.ready();
  const { everything } = await import('./everything.mjs');
  const result = await everything({ tf, tfl, lsq, measures, corruptions, models });
  const imported = await import('@qgen/lsq');
  const entries = [await import('@qgen/kernels'), await import('@qgen/kernels/random')];
  const oneClass =
    imported.FakeQuant === lsq.FakeQuant && entries.every((entry) => entry.randomNormal === randomNormal);
  const oneState = kernels.registerKernels === registerKernels && kernels.randomNormal === randomNormal;
  console.log(JSON.stringify({ ...result, oneClass, oneState }));
}

main();
