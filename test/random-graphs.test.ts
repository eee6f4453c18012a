import { leafLayers, namedWeights } from '@qgen/core';
import { dequantizeModel, exportQuantized, loadQuantized, quantizeModel } from '@qgen/lsq';
import { snapshot, weightNorms } from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { beforeAll, expect, it } from 'vitest';
import { saved } from '../packages/lsq/test/saved';
import { useBackend } from './backends';
import { type RandomGraph, randomGraph } from './random-graphs';

beforeAll(() => useBackend('cpu'));

const GRAPHS = 200;

const predict = (of: LayersModel, { inputShape }: RandomGraph): number[] =>
  tf.tidy(() => {
    const size = tf.util.sizeFromShape([...inputShape]);
    const xs = tf.tensor(
      Array.from({ length: size }, (_, i) => Math.cos(i * i)),
      [...inputShape],
    );
    return [...(of.predict(xs) as tf.Tensor).dataSync()];
  });

/** Every weight with its path, value and whether it is trained. */
const weightsOf = (of: LayersModel) =>
  leafLayers(of).map(({ layer, path }) => ({
    path,
    weights: namedWeights(layer).map(({ name, weight }) => [name, weight.trainable, [...weight.read().dataSync()]]),
  }));

/** The largest difference between two predictions, as a share of the largest of the second. */
const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) / Math.max(...b.map(Math.abs));

/** What `work` gives, or null where it throws the one error that says what such a model is refused for. */
async function orRefused<T>(work: () => Promise<T>, reasons: RegExp): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (reasons.test((error as Error).message)) return null;
    throw error;
  }
}

const shared = /^quantizeModel: layers \S+ and \S+ share the weight \S+, which a model made from/;
const names =
  /^exportQuantized: (layer \S+ is reached by several paths|a weight of layer \S+ and one of layer \S+ are both called)/;
const stock = /^Duplicate weight name: /;

/** How far a graph came: `twin` is the same once more. */
async function check(graph: RandomGraph, twin: RandomGraph): Promise<'refused' | 'quantized' | 'exported'> {
  const net = graph.model;
  const expected = predict(net, graph);
  const weights = weightsOf(net);

  const initial = await snapshot(net);
  const norms = await weightNorms(net, { initial, scope: 'all' });
  expect(norms.total.distance, 'to itself').toBe(0);
  expect((await weightNorms(twin.model, { initial, scope: 'all' })).total.distance, 'to its twin').toBe(0);

  // A step of 3 standard deviations over 2^15: no weight of these is larger.
  const quantized = await orRefused(() => quantizeModel(net, { bits: 16, firstLast: 'same', init: 'lsq+' }), shared);
  expect(weightsOf(net), 'the model is left as it is').toEqual(weights);
  expect(predict(net, graph), 'the model is left as it is').toEqual(expected);
  if (!quantized) return 'refused';

  const found = predict(quantized, graph);
  expect(distance(found, expected), '16 bits').toBeLessThan(2e-3);
  const float = await weightNorms(quantized, { initial, scope: 'all', view: 'float' });
  expect(float.total, 'norms of the float weights of the quantized model').toEqual(norms.total);

  const latent = await dequantizeModel(quantized, { weights: 'latent' });
  expect(predict(latent, graph), 'latent weights').toEqual(expected);
  expect(weightsOf(latent), 'latent weights').toEqual(weights);
  const plain = await dequantizeModel(quantized);
  expect(predict(plain, graph), 'dequantized').toEqual(found);
  expect((await weightNorms(plain)).total.l2, 'norm of the dequantized weights').toBe(
    (await weightNorms(quantized)).total.l2,
  );

  const resumed = await orRefused(async () => loadLayersModel(tf.io.fromMemory(await saved(quantized))), stock);
  if (resumed) expect(predict(resumed, graph), 'saved and loaded').toEqual(found);
  for (const [format, foldBatchNorm] of [
    ['tfjs', false],
    ['packed', false],
    ['packed', true],
  ] as const) {
    const exported = await orRefused(() => exportQuantized(quantized, { format, foldBatchNorm }), names);
    // What can't be exported for its names can't be loaded by tfjs either.
    expect(exported === null, `exported in format ${format}`).toBe(resumed === null);
    if (!exported) continue;
    const shipped = predict(await loadQuantized(tf.io.fromMemory(exported)), graph);
    if (foldBatchNorm) expect(distance(shipped, found), 'folded').toBeLessThan(1e-4);
    else expect(shipped, `format ${format}`).toEqual(found);
  }
  return resumed ? 'exported' : 'quantized';
}

it(`${GRAPHS} random graphs, quantized and back, folded, saved and measured, are what they were, or refused`, async () => {
  const parts = new Set<string>();
  const outcomes = { refused: 0, quantized: 0, exported: 0 };
  for (let seed = 0; seed < GRAPHS; seed++) {
    const graph = randomGraph(seed);
    for (const part of graph.parts) parts.add(part);
    try {
      outcomes[await check(graph, randomGraph(seed))]++;
    } catch (error) {
      const described = `random graph ${seed} (${graph.parts.join(', ')})`;
      throw new Error(`${described}: ${(error as Error).message}`, { cause: error });
    }
  }
  // The test tells something: every part and every outcome occurs.
  expect(parts.size).toBe(20);
  expect(outcomes.refused).toBeGreaterThan(0);
  expect(outcomes.refused).toBeLessThan(0.1 * GRAPHS);
  expect(outcomes.exported).toBeGreaterThan(0.5 * GRAPHS);
});
