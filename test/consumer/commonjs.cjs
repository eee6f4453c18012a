require('@tensorflow/tfjs-backend-wasm');
const tf = require('@tensorflow/tfjs-core');
const tfl = require('@tensorflow/tfjs-layers');
const lsq = require('@qgen/lsq');
const measures = require('@qgen/measures');
const corruptions = require('@qgen/corruptions');
const models = require('@qgen/models');

async function main() {
  await tf.ready();
  const { everything } = await import('./everything.mjs');
  const result = await everything({ tf, tfl, lsq, measures, corruptions, models });
  const imported = await import('@qgen/lsq');
  console.log(JSON.stringify({ ...result, oneClass: imported.FakeQuant === lsq.FakeQuant }));
}

main();
