import {
  AdaptiveAveragePooling,
  AttentionMix,
  AttentionWeights,
  ClassToken,
  FirstToken,
  PatchMerging,
  PositionEmbedding,
  SplitHeads,
  WindowTokens,
} from '@qgen/models';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, loadLayersModel, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';

const range = (shape: number[]) => tf.tidy(() => tf.reshape(tf.range(0, tf.util.sizeFromShape(shape)), shape));
const geometry = { height: 4, width: 4, window: 2, shift: 1 };

describe.each(backends)('the layers of attention on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('WindowTokens cuts a map into windows and puts it together again', () => {
    const map = range([1, 4, 4, 1]);
    const windows = new WindowTokens({ geometry }).apply(map) as tf.Tensor;
    expect(windows.shape).toEqual([1, 4, 4, 1]);
    expect([...windows.dataSync()]).toEqual([5, 6, 9, 10, 7, 4, 11, 8, 13, 14, 1, 2, 15, 12, 3, 0]);
    const back = new WindowTokens({ geometry, reverse: true }).apply(windows) as tf.Tensor;
    expect([...back.dataSync()]).toEqual([...map.dataSync()]);
  });

  it('WindowTokens hands every gradient back to the place it came from, in every order', () => {
    const layer = new WindowTokens({ geometry });
    const weights = range([1, 4, 4, 1]);
    // f(x) = Σ w_i x²_order[i]: its gradient at x is 2 w x there, its second derivative 2 w.
    const f = (x: tf.Tensor) => tf.sum(tf.mul(weights, tf.square(layer.apply(x) as tf.Tensor)));
    const x = tf.fill([1, 4, 4, 1], 3);
    // Place 0 is the last of the 16, place 1 is number 10.
    expect([...tf.grad(f)(x).dataSync()].slice(0, 2)).toEqual([2 * 15 * 3, 2 * 10 * 3]);
    const second = tf.grad((y: tf.Tensor) => tf.sum(tf.grad(f)(y)));
    expect([...second(x).dataSync()].slice(0, 2)).toEqual([30, 20]);
  });

  it('PatchMerging concatenates the channels of a square column by column', () => {
    // 0 1 2 3
    // 4 5 6 7
    const merged = new PatchMerging().apply(range([1, 2, 4, 1])) as tf.Tensor;
    expect(merged.shape).toEqual([1, 1, 2, 4]);
    expect([...merged.dataSync()]).toEqual([0, 4, 1, 5, 2, 6, 3, 7]);
    expect(() => new PatchMerging().apply(input({ shape: [3, 4, 1] }))).toThrow(
      'PatchMerging: height and width must be even, got a map of 3×4; pad it with zeros',
    );
  });

  it('SplitHeads deals channels to heads, also within windows', () => {
    const split = new SplitHeads({ heads: 2 }).apply(range([1, 2, 4])) as tf.Tensor;
    expect(split.shape).toEqual([1, 2, 2, 2]);
    expect([...split.dataSync()]).toEqual([0, 1, 4, 5, 2, 3, 6, 7]);
    const windows = new SplitHeads({ heads: 2 }).apply(range([1, 3, 2, 4])) as tf.Tensor;
    expect(windows.shape).toEqual([1, 3, 2, 2, 2]);
    expect([...windows.dataSync()].slice(8, 16)).toEqual([8, 9, 12, 13, 10, 11, 14, 15]);
    expect(() => new SplitHeads({ heads: 3 }).apply(input({ shape: [2, 4] }))).toThrow(
      'SplitHeads: heads must divide the channels, got 3 heads and 4 channels',
    );
    expect(() => new SplitHeads({ heads: 0 })).toThrow('SplitHeads: heads must be a positive integer, got 0');
  });

  it('AttentionWeights is softmax(q kᵀ / √d), and AttentionMix the sum of values by it', () => {
    // One head, two tokens, d = 4: q·k / 2 is [[2 ln 3 / 2, 0], [0, 0]].
    const q = tf.tensor([2 * Math.log(3), 0, 0, 0, 0, 0, 0, 0], [1, 1, 2, 4]);
    const k = tf.tensor([1, 0, 0, 0, 0, 1, 0, 0], [1, 1, 2, 4]);
    const weights = new AttentionWeights().apply([q, k]) as tf.Tensor;
    const [w00, w01, w10, w11] = weights.dataSync();
    expect([w00, w01, w10, w11].map((w) => w!.toFixed(6))).toEqual(['0.750000', '0.250000', '0.500000', '0.500000']);
    // Two heads of one channel would be joined last: here one head of two.
    const v = tf.tensor([1, 10, 3, 30], [1, 1, 2, 2]);
    const mixed = new AttentionMix().apply([weights, v]) as tf.Tensor;
    expect(mixed.shape).toEqual([1, 2, 2]);
    expect([...mixed.dataSync()].map((value) => value.toFixed(4))).toEqual(['1.5000', '15.0000', '2.0000', '20.0000']);
  });

  it('AttentionWeights of windows adds the bias of the relative place, and of shifted ones the mask', () => {
    const layer = new AttentionWeights({ geometry });
    const zeros = tf.zeros([1, 4, 3, 4, 2]);
    layer.apply([zeros, zeros]);
    // The bias of head h is h ln 2 where the query is one row below its key (rows 6 to 8 of the table), else 0.
    const table = Array.from({ length: 9 }, (_, row) => [0, row > 5 ? Math.LN2 : 0, row > 5 ? 2 * Math.LN2 : 0]);
    layer.setWeights([tf.tensor2d(table)]);
    const weights = layer.apply([zeros, zeros]) as tf.Tensor;
    expect(weights.shape).toEqual([1, 4, 3, 4, 4]);
    const of = (window: number, head: number, query: number) =>
      [...(tf.slice(weights, [0, window, head, query, 0], [1, 1, 1, 1, 4]).dataSync() as Float32Array)].map((w) =>
        Number(w.toFixed(6)),
      );
    expect(of(0, 0, 2)).toEqual([0.25, 0.25, 0.25, 0.25]);
    // 2, 2, 1, 1 of 6 for a query of the second row.
    expect(of(0, 1, 2)).toEqual([2, 2, 1, 1].map((w) => Number((w / 6).toFixed(6))));
    expect(of(0, 2, 3)).toEqual([0.4, 0.4, 0.1, 0.1]);
    // In the last window all four are strangers.
    expect(of(3, 2, 3)).toEqual([0, 0, 0, 1]);
    // In the second the columns are.
    expect(of(1, 1, 2)).toEqual([2 / 3, 0, 1 / 3, 0].map((w) => Number(w.toFixed(6))));
  });

  it('ClassToken puts its token first, PositionEmbedding adds by place, FirstToken takes the first', () => {
    const token = new ClassToken();
    token.apply(range([2, 2, 2]));
    token.setWeights([tf.tensor1d([-1, -2])]);
    const tokens = token.apply(range([2, 2, 2])) as tf.Tensor;
    expect(tokens.arraySync()).toEqual([
      [
        [-1, -2],
        [0, 1],
        [2, 3],
      ],
      [
        [-1, -2],
        [4, 5],
        [6, 7],
      ],
    ]);
    const [gradient] = tf.tidy(() => {
      const { grads } = tf.variableGrads(() => tf.sum(tf.square(token.apply(range([2, 2, 2])) as tf.Tensor)));
      return Object.values(grads).map((grad) => [...grad.dataSync()]);
    });
    // 2 t for each of two examples.
    expect(gradient).toEqual([-4, -8]);

    const embedding = new PositionEmbedding();
    embedding.apply(tokens);
    embedding.setWeights([range([3, 2])]);
    expect((embedding.apply(tf.zeros([2, 3, 2])) as tf.Tensor).arraySync()).toEqual([
      range([3, 2]).arraySync(),
      range([3, 2]).arraySync(),
    ]);
    expect((new FirstToken().apply(tokens) as tf.Tensor).arraySync()).toEqual([
      [-1, -2],
      [-1, -2],
    ]);
  });

  it("AdaptiveAveragePooling averages PyTorch's bins", () => {
    // Of 5 rows in 2 bins: rows 0 to 2 and rows 2 to 4. Of 4 columns: 0 and 1, 2 and 3.
    const pooled = new AdaptiveAveragePooling({ size: 2 }).apply(range([1, 5, 4, 1])) as tf.Tensor;
    expect([...pooled.dataSync()].map((value) => value.toFixed(4))).toEqual(['4.5000', '6.5000', '12.5000', '14.5000']);
    const gradient = tf.grad((x) => tf.sum(new AdaptiveAveragePooling({ size: 2 }).apply(x) as tf.Tensor));
    // A place of the shared row is in two bins of 3 × 2 places, the others in one.
    const of = [...gradient(range([1, 5, 4, 1])).dataSync()];
    expect(of[0]).toBeCloseTo(1 / 6, 6);
    expect(of[8]).toBeCloseTo(2 / 6, 6);
    expect(() => new AdaptiveAveragePooling({ size: 0 })).toThrow('size must be a positive integer, got 0');
  });

  it('all of them are saved and loaded with the stock functions, and predict the same', async () => {
    const leaked = await leakedTensors(async () => {
      const built = everyLayer();
      const images = tf.randomUniform([2, 8, 8, 4], -1, 1, 'float32', 1);
      const before = built.predict(images) as tf.Tensor;
      let artifacts: tf.io.ModelArtifacts | undefined;
      const handler = tf.io.withSaveHandler(async (saved) => {
        artifacts = JSON.parse(JSON.stringify(saved)) as tf.io.ModelArtifacts;
        artifacts.weightData = saved.weightData;
        return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
      });
      await built.save(handler);
      const loaded = await loadLayersModel(tf.io.fromMemory(artifacts!));
      const after = loaded.predict(images) as tf.Tensor;
      expect([...after.dataSync()]).toEqual([...before.dataSync()]);
      expect(loaded.toJSON(null, false)).toEqual(built.toJSON(null, false));
      for (const made of [images, before, after, built, loaded]) made.dispose();
    });
    expect(leaked).toBe(0);
  });
});

/** A model with a layer of each class. */
function everyLayer(): LayersModel {
  const images = input({ shape: [8, 8, 4] });
  const through = (layer: layers.Layer, x: SymbolicTensor | SymbolicTensor[]) => layer.apply(x) as SymbolicTensor;
  const merged = through(new PatchMerging(), images);
  const windows = through(new WindowTokens({ geometry }), merged);
  const [q, k, v] = [1, 2, 3].map(() => through(new SplitHeads({ heads: 2 }), windows));
  const weights = through(new AttentionWeights({ geometry }), [q!, k!]);
  const mixed = through(new AttentionMix(), [weights, v!]);
  const map = through(new WindowTokens({ geometry, reverse: true }), mixed);
  const pooled = through(new AdaptiveAveragePooling({ size: 3 }), map);
  const tokens = through(layers.reshape({ targetShape: [9, 16] }), pooled);
  const embedded = through(new PositionEmbedding(), through(new ClassToken(), tokens));
  return model({ inputs: images, outputs: through(new FirstToken(), embedded) });
}
