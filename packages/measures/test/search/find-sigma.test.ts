import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type BackendName, leakedTensors, useBackend } from '../../../../test/backends';
import type { SearchProgress } from '../../src/search/result';
import { findSigma } from '../../src/search/sigma/find-sigma';
import { goldenNet, goldenOf, smallNets } from '../golden-nets';
import { independent, units } from '../independent';
import { expectRestored, smallData, smallNet, weightBytes } from '../interruption';

const SIZE = 128;

/** Phi(-1.28155) = 0.1. */
const KNOWN = 1 / 1.28155;

describe('findSigma', { timeout: 60_000 }, () => {
  beforeAll(() => useBackend('wasm'));

  it('where the answer is known: Phi(-1 / sigma) = 0.1 at sigma = 1 / 1.28155 = 0.780', async () => {
    const { value, ci95, status, accuracy } = await findSigma(independent(), units(1000));
    expect(status).toBe('converged');
    expect(accuracy).toBe(1);
    expect(Math.abs(Math.log(value! / KNOWN))).toBeLessThan(0.04);
    expect(ci95![0]).toBeGreaterThan(value! * 0.969);
    expect(ci95![1]).toBeLessThan(value! * 1.031);
  });

  it('magnitude-aware noise on w = 5 has the same root, for it scales with w', async () => {
    const { value } = await findSigma(independent(5), units(1000), { magnitudeAware: true });
    expect(Math.abs(Math.log(value! / KNOWN))).toBeLessThan(0.04);
  });

  it('costs as many examples for 20,000 as for 1,000', async () => {
    const small = await findSigma(independent(), units(1_000));
    const large = await findSigma(independent(), units(20_000));
    expect(large.examplesEvaluated).toBeLessThan(3 * small.examplesEvaluated);
  });

  it.each(smallNets)(
    'the paper protocol stays within what 4000 replays of it gave on %s, and costs as much',
    async (name) => {
      const net = await goldenNet(name);
      const { naive_protocol_spread: spread } = await goldenOf<{
        naive_protocol_spread: Record<string, { p2_5: number; p97_5: number; passes_p97_5: number }>;
      }>('scales.json', name);
      for (const magnitudeAware of [false, true]) {
        const golden = spread[magnitudeAware ? 'mag|tol=0.01' : 'plain|tol=0.01']!;
        const found = await findSigma(net.model, net.train, { protocol: 'paper', magnitudeAware });
        expect(found.value).toBeGreaterThanOrEqual(golden.p2_5);
        expect(found.value).toBeLessThanOrEqual(golden.p97_5);
        expect(found.passEquivalents).toBeLessThanOrEqual(golden.passes_p97_5 + 1);
        // Nodes are dyadic numbers of at most 15 bits, ten draws each, the first at 1.
        expect((found.value! * 2 ** 14) % 1).toBe(0);
        expect(found.trace[0]).toMatchObject({ scale: 1, draws: 10, examples: 20_000 });
        expect(Math.abs(found.trace.at(-1)!.drop - 0.1)).toBeLessThan(0.01);
      }
    },
  );

  it('one seed gives one result; another seed gives another within the intervals', async () => {
    const [a, b, c] = [
      await findSigma(independent(), units(500), { seed: 3 }),
      await findSigma(independent(), units(500), { seed: 3 }),
      await findSigma(independent(), units(500), { seed: 4 }),
    ];
    expect(b).toEqual(a);
    expect(c.value).not.toBe(a.value);
    expect(Math.abs(Math.log(c.value! / a.value!))).toBeLessThan(0.1);
  });

  it('cpu and wasm agree', async () => {
    const net = await goldenNet('mlp-gaussians');
    const results = [];
    for (const backend of ['cpu', 'wasm'] satisfies BackendName[]) {
      await useBackend(backend);
      results.push(await findSigma(net.model, net.train, { relativeTolerance: 0.1 }));
    }
    const [cpu, wasm] = results;
    expect(wasm!.draws).toBe(cpu!.draws);
    expect(Math.abs(wasm!.value! / cpu!.value! - 1)).toBeLessThan(1e-3);
  });

  it('every form of data gives the same result', async () => {
    const { xs, ys, shape } = units(300);
    const rows = Array.from({ length: 300 }, (_, i) => Array.from(xs.subarray(SIZE * i, SIZE * (i + 1))));
    const [x, y, hot] = [tf.tensor(xs, [300, SIZE]), tf.tensor1d(ys, 'int32'), tf.oneHot(tf.tensor1d(ys, 'int32'), 2)];
    const batches = (items: { xs: tf.Tensor; ys: tf.Tensor | number }[]) => ({
      iterator: async () => ({
        next: async () => ({ done: items.length === 0, value: items.shift() }),
      }),
    });
    const randomAccess = {
      size: 300,
      batch: (indices: Int32Array) => ({
        xs: tf.gather(x, tf.tensor1d(indices)),
        ys: tf.gather(hot, tf.tensor1d(indices)),
      }),
    };
    const expected = await findSigma(independent(), { xs, ys, shape });
    for (const data of [
      { xs: x, ys: y },
      { xs: x, ys: hot },
      { xs: rows, ys: Array.from(ys) },
      { xs: rows, ys: Array.from(ys, (label) => [1 - label, label]) },
      randomAccess,
      batches([0, 100, 200].map((at) => ({ xs: tf.slice(x, at, 100), ys: tf.slice(y, at, 100) }))),
      batches(rows.map((row, i) => ({ xs: tf.tensor1d(row), ys: ys[i]! }))),
    ])
      expect(await findSigma(independent(), data)).toEqual(expected);
  });

  it('a LayersModel with a softmax is read as probabilities', () => {
    const build = (activation: 'softmax' | 'linear') =>
      tfl.sequential({ layers: [tfl.layers.dense({ inputShape: [SIZE], units: 2, activation, name: 'last' })] });
    const [soft, hard] = [build('softmax'), build('linear')];
    soft.setWeights(hard.getWeights());
    return expect(Promise.all([findSigma(soft, units(50)), findSigma(hard, units(50))])).resolves.toSatisfy(
      ([a, b]) => a.value === b.value && a.accuracy === b.accuracy,
    );
  });
});

describe('findSigma, where there is no sigma', { timeout: 60_000 }, () => {
  beforeAll(() => useBackend('wasm'));

  it('a model at chance cannot lose 10 points: unreachable, no value', async () => {
    const { xs, shape, ys } = units(1000);
    const noise = { xs, shape, ys: ys.map((_, i) => i % 2) };
    const found = await findSigma(independent(), noise);
    expect(found).toMatchObject({ value: null, ci95: null, status: 'unreachable' });
  });

  it('a model that nothing disturbs: saturated-high, with the limit that was tried', async () => {
    const variable = tf.variable(tf.ones([1, 1]));
    const constant = {
      forward: (x: tf.Tensor) => tf.tidy(() => tf.tile(tf.tensor2d([[1, 0]]), [x.shape[0]!, 1])),
      variables: [variable],
    };
    const found = await findSigma(constant, units(200));
    expect(found).toMatchObject({ value: null, status: 'saturated-high' });
    expect(found.ci95![0]).toBeGreaterThan(1000);
    expect(found.ci95![1]).toBe(Number.POSITIVE_INFINITY);
    const paper = await findSigma(constant, units(200), { protocol: 'paper' });
    expect(paper.status).toBe('saturated-high');
    expect(paper.value).toBeCloseTo(2, 3);
    expect(paper.warnings[0]).toMatch(/ran into the end 2/);
  });

  it('less than two targets above chance sigma comes with a warning', async () => {
    const { xs, ys, shape } = units(1280);
    // Two of every three are right: 2/3 is 0.17 above chance. From 0.2 above there is no warning.
    const share = (wrong: (i: number) => boolean) => ({ xs, shape, ys: ys.map((_, i) => (wrong(i) ? 1 : 0)) });
    const near = await findSigma(
      independent(),
      share((i) => i % 3 === 0),
      { relativeTolerance: 0.3 },
    );
    expect(near.warnings.join()).toMatch(/above chance, less than twice the target 0.1: the drop levels off there/);
    const far = await findSigma(
      independent(),
      share((i) => i % 5 === 0),
      { relativeTolerance: 0.3 },
    );
    expect(far.warnings).toEqual([]);
  });

  it('magnitude-aware noise whose floor alone costs more than the target: saturated-low', async () => {
    const found = await findSigma(independent(1e-4), units(200), { magnitudeAware: true });
    expect(found).toMatchObject({ value: null, status: 'saturated-low' });
    expect(found.ci95![0]).toBe(0);
  });

  it('so too with one example, where four draws often miss a drop of a half: no root near 0, and no long search', async () => {
    // A weight of 1e-4 under a floor of 1e-3 changes its sign in 46 % of the draws, at every scale.
    for (let seed = 0; seed < 8; seed++) {
      const found = await findSigma(independent(1e-4), units(1), { magnitudeAware: true, seed, maxExamples: 2000 });
      expect(found, `seed ${seed}`).toMatchObject({ value: null, status: 'saturated-low' });
      expect(found.ci95![0]).toBe(0);
    }
  });

  it('a budget that runs out gives what is known by then', async () => {
    const early = await findSigma(independent(), units(1000), { maxExamples: 300 });
    expect(early).toMatchObject({ value: null, ci95: null, status: 'budget' });
    const late = await findSigma(independent(), units(1000), { maxExamples: 4000 });
    expect(late.status).toBe('budget');
    expect(Math.abs(Math.log(late.value! / KNOWN))).toBeLessThan(0.3);
    expect(late.ci95![1] / late.ci95![0]).toBeGreaterThan(1.06);
  });

  it('what cannot be measured is an error that says what to do', async () => {
    const { xs, ys, shape } = units(10);
    const data = { xs, ys, shape };
    await expect(findSigma(independent(Number.NaN), data)).rejects.toThrow(
      /^findSigma: the weights are not finite: entry 0 of weight/,
    );
    await expect(findSigma(independent(), { xs: new Float32Array(), ys: [], shape })).rejects.toThrow(
      /hold no example/,
    );
    await expect(findSigma(independent(), { ...data, ys: ys.map(() => 2) })).rejects.toThrow(/from 0 to 1 .*got 2/);
    await expect(findSigma(independent(), { ...data, ys: [...ys].map((y) => y - 0.5) })).rejects.toThrow(
      /got -0.5 at example 0/,
    );
    await expect(findSigma(independent(), { ...data, ys: [0, 1] })).rejects.toThrow(/10 inputs and 2 labels/);
    await expect(findSigma(independent(), { xs, ys })).rejects.toThrow(/needs shape/);
    await expect(findSigma(independent(), 5 as never)).rejects.toThrow(TypeError);
    await expect(findSigma(independent(), data, { scope: () => false })).rejects.toThrow(
      /no parameter is in scope; .*kernel/,
    );
    const one = { forward: (x: tf.Tensor) => tf.slice(x, [0, 0], [-1, 1]), variables: [tf.variable(tf.ones([1, 1]))] };
    await expect(findSigma(one, data)).rejects.toThrow(/two or more classes/);
  });
});

describe('findSigma is polite', { timeout: 60_000 }, () => {
  beforeAll(() => useBackend('wasm'));

  const short = [
    { protocol: 'fast', maxExamples: 2000 },
    { protocol: 'paper', iterations: 3 },
  ] as const;
  for (const options of short)
    it(`${options.protocol}: weights and statistics are bit-identical after success, failure and abort; nothing leaks`, () =>
      expectRestored(async (model, data, signal) => {
        const found = await findSigma(model, data, { ...options, signal, batchSize: 9 });
        if (found.status === 'aborted') throw signal!.reason;
      }));

  it('an abort is a status, with the best that is known', async () => {
    const controller = new AbortController();
    const onProgress = ({ estimate }: SearchProgress) => {
      if (estimate !== null) controller.abort();
    };
    const options = { signal: controller.signal, onProgress, relativeTolerance: 1e-4, maxExamples: 2 ** 30 };
    const found = await findSigma(independent(), units(1000), options);
    expect(found.status).toBe('aborted');
    expect(Math.abs(Math.log(found.value! / KNOWN))).toBeLessThan(0.5);
    const before = await findSigma(independent(), units(1000), { signal: AbortSignal.abort() });
    expect(before).toMatchObject({ status: 'aborted', value: null, examplesEvaluated: 0 });
  });

  it('reports at least twice a second and lets timers run between batches', async () => {
    const model = smallNet();
    let [reports, longest, last] = [0, 0, performance.now()];
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const onProgress = (progress: SearchProgress) => {
      reports++;
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      expect(progress.examplesEvaluated).toBeGreaterThanOrEqual(0);
    };
    const options = { onProgress, relativeTolerance: 1e-6, maxExamples: 60_000, scope: 'all' } as const;
    await findSigma(model, { ...smallData, ys: trueLabels(model) }, options);
    clearInterval(timer);
    expect(reports).toBeGreaterThan(2);
    expect(longest).toBeLessThan(500);
    expect(ticks).toBeGreaterThan(2);
    expect(weightBytes(model)).toBe(weightBytes(smallNet()));
  });

  it('two searches of one model at a time are refused, for each would measure the other; one after the other is fine', async () => {
    const model = independent();
    const first = findSigma(model, units(100));
    await expect(findSigma(model, units(100))).rejects.toThrow(/another measurement of this model is running/);
    const found = await first;
    expect(await findSigma(model, units(100))).toEqual(found);
  });

  it('no tensor is left behind', async () => {
    const model = independent();
    expect(await leakedTensors(() => findSigma(model, units(200)))).toBe(0);
    expect(await leakedTensors(() => findSigma(model, units(200), { magnitudeAware: true }))).toBe(0);
    expect(await leakedTensors(() => findSigma(model, { ...units(2), ys: [0, 7] }).catch(() => {}))).toBe(0);
  });
});

function trueLabels(model: tfl.LayersModel): Int32Array {
  return tf.tidy(() => {
    const x = tf.tensor(smallData.xs, [24, 6, 6, 2]);
    return Int32Array.from(tf.argMax(model.predict(x) as tf.Tensor, 1).dataSync());
  });
}
