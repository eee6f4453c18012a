import { quantizeModel, reestimateBatchNorm } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { saved } from '../saved';
import { examples, prepared, RECIPES, smallNetwork } from './every-recipe';

const names = Object.keys(RECIPES);
const pairs = names.flatMap((one, i) =>
  names
    .slice(i + 1)
    .filter((other) => !RECIPES[one]!.insteadOf || RECIPES[one]!.insteadOf !== RECIPES[other]!.insteadOf)
    .map((other) => [one, other] as const),
);

describe.each(['cpu', 'wasm'] as const)('two recipes in one fit on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(pairs)('%s and %s: learns, leaves no tensor, saves what it computes', async (...chosen) => {
    const recipes = chosen.map((name) => RECIPES[name]!);
    const plain = smallNetwork();
    const quantization = Object.assign({}, ...recipes.map(({ quantization }) => quantization));
    const model = await quantizeModel(plain, { bits: 3, firstLast: 'same', activations: 4, ...quantization });
    const { x, labels, teacher } = examples();
    const { train, finish } = prepared(model, recipes);
    const { history } = await train(x, labels, teacher);
    const loss = history.loss as number[];
    expect(loss.every(Number.isFinite)).toBe(true);
    expect(await leakedTensors(() => train(x, labels, teacher))).toBe(0);
    const later = (await train(x, labels, teacher)).history.loss as number[];
    expect(Math.min(...later)).toBeLessThan(loss[0]!);
    await reestimateBatchNorm(model, x);
    const expected = await (model.predict(x) as tf.Tensor).data();
    const loaded = await loadLayersModel(tf.io.fromMemory(await saved(model)));
    expect(await (loaded.predict(x) as tf.Tensor).data()).toEqual(expected);
    finish();
    expect(await (model.predict(x) as tf.Tensor).data()).toEqual(expected);
  });
});
