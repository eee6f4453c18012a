import {
  averageSharpness,
  type Data,
  findAlpha,
  findSigma,
  generalizationGap,
  hessianEigenvalues,
  hessianSpectralDensity,
  hessianTrace,
  lossLandscape,
  type ModelLike,
  measureFlatness,
  normMeasures,
  samSharpness,
} from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';

beforeAll(() => useBackend('wasm'));

/** Forty examples of three numbers, of which a plane tells the class, but for a few. */
const xs = Array.from({ length: 40 }, (_, i) => [Math.sin(i), Math.cos(2 * i), Math.sin(5 * i)]);
const ys = xs.map(([a, b, c], i) => (2 * a! - b! + 0.5 * c! > 0 ? 1 : 0) ^ (i % 10 === 0 ? 1 : 0));
const data = { xs, ys };

/** One number z = w x. */
const weights = tf.variable(tf.tensor2d([2, -1, 0.5], [3, 1]), true, 'z/kernel');
const z = (x: tf.Tensor) => tf.matMul(x as tf.Tensor2D, weights as tf.Tensor2D);
afterAll(() => weights.dispose());

/** Every function that looks at outputs, at little cost. */
const all: Record<string, (model: ModelLike, data: Data) => Promise<unknown>> = {
  generalizationGap: (model, data) => generalizationGap(model, data, data),
  findSigma: (model, data) => findSigma(model, data, { maxExamples: 2000, seed: 1 }),
  findAlpha: (model, data) => findAlpha(model, data, { magnitudeAware: true, relativeTolerance: 0.2 }),
  measureFlatness: (model, data) =>
    measureFlatness(model, data, { sigma: { maxExamples: 1000 }, measures: ['pacBayes.orig'] }),
  samSharpness: (model, data) => samSharpness(model, data, { rho: 0.1 }),
  averageSharpness: (model, data) => averageSharpness(model, data, { draws: 3 }),
  lossLandscape: (model, data) => lossLandscape(model, data, { x: [-0.5, 0, 1] }),
  hessianEigenvalues: (model, data) => hessianEigenvalues(model, data, { maxProducts: 3 }),
  hessianTrace: (model, data) => hessianTrace(model, data, { maxProbes: 3 }),
  hessianSpectralDensity: (model, data) => hessianSpectralDensity(model, data, { probes: 1, steps: 2 }),
  normMeasures: (model, data) => normMeasures(model, data),
};

/** A result without what it says of the output, as JSON has it. */
const numbersOf = (result: unknown): unknown =>
  JSON.parse(
    JSON.stringify(result, (key, value) => {
      // Of a function's probabilities there is no path norm: it is a sum of logits.
      if (key === 'output' || key.startsWith('PATH_NORM') || key === 'residuals') return undefined;
      return ArrayBuffer.isView(value) ? [...(value as Float32Array)] : value;
    }),
  );

/** Equal, but for the rounding of float32. */
const expectClose = (a: unknown, b: unknown) => {
  const rounded = (value: unknown) =>
    JSON.stringify(value, (_, each) => (typeof each === 'number' ? Number(each.toPrecision(5)) : each));
  expect(rounded(a)).toBe(rounded(b));
};

describe.each(Object.entries(all))('%s', (name, measure) => {
  it('gives of a binary logit z what it gives of the logits (0, z), and leaves nothing behind', async () => {
    const binary = { forward: z, variables: [weights], output: 'binaryLogits' as const };
    const pair = {
      forward: (x: tf.Tensor) => tf.tidy(() => tf.concat([tf.zerosLike(z(x)), z(x)], 1)),
      variables: [weights],
    };
    const leaked = await leakedTensors(async () => {
      expect(numbersOf(await measure(binary, data))).toEqual(numbersOf(await measure(pair, data)));
    });
    expect(leaked).toBe(0);
  });

  it('gives of a binary probability p what it gives of the probabilities (1 - p, p)', async () => {
    const p = (x: tf.Tensor) => tf.tidy(() => tf.sigmoid(z(x)));
    const binary = { forward: p, variables: [weights], output: 'binaryProbability' as const };
    const both = (x: tf.Tensor) => tf.tidy(() => tf.concat([tf.sub(1, p(x)), p(x)], 1));
    const pair = { forward: both, variables: [weights], output: 'probabilities' as const };
    const [a, b] = [await measure(binary, data), await measure(pair, data)].map(numbersOf);
    expectClose(a, b);
  });

  it('refuses outputs [n, 5, 3] and names their shape', async () => {
    const model = {
      forward: (x: tf.Tensor) => tf.tidy(() => tf.tile(tf.reshape(z(x), [-1, 1, 1]), [1, 5, 3])),
      variables: [weights],
    };
    await expect(measure(model, data)).rejects.toThrow(
      `${name}: the model must return one row for each example, [n, classes], it returns [32,5,3] for 32 examples`,
    );
    const sequences = tfl.sequential({ layers: [tfl.layers.dense({ inputShape: [5, 2], units: 3 })] });
    await expect(measure(sequences, { xs: tf.zeros([4, 5, 2]), ys: [0, 1, 2, 0] })).rejects.toThrow(
      'it returns [n,5,3]',
    );
  });

  it('refuses a softmax that is said to be logits, by default or in so many words', async () => {
    const forward = (x: tf.Tensor) => tf.tidy(() => tf.softmax(tf.concat([tf.zerosLike(z(x)), z(x)], 1)));
    const message = `${name}: the outputs are probabilities: they are not negative and sum to 1`;
    await expect(measure({ forward, variables: [weights] }, data)).rejects.toThrow(message);
    await expect(measure({ forward, variables: [weights], output: 'logits' }, data)).rejects.toThrow(message);
    await expect(measure({ forward: z, variables: [weights], output: 'binaryProbability' }, data)).rejects.toThrow(
      'the outputs are not the probabilities that they are said to be',
    );
  });

  it('refuses labels that are no class of the model', async () => {
    const binary = { forward: z, variables: [weights], output: 'binaryLogits' as const };
    await expect(measure(binary, { xs, ys: ys.map((y) => 2 * y) })).rejects.toThrow(
      `${name}: labels must be integers from 0 to 1 (the model has 2 classes), got 2`,
    );
    const three = xs.map(() => [0, 0, 1]);
    await expect(measure(binary, { xs, ys: three })).rejects.toThrow("each of the model's 2 classes, got rows of 3");
    await expect(measure(binary, { xs, ys: xs.map(() => [Number.NaN, 1]) })).rejects.toThrow('have NaN');
  });

  it('refuses a model whose weights are NaN, with the name of the first', async () => {
    const model = tfl.sequential({ layers: [tfl.layers.dense({ inputShape: [3], units: 2, name: 'last' })] });
    model.layers[0]!.setWeights([tf.tensor2d([1, 2, 3, Number.NaN, 5, 6], [3, 2]), tf.zeros([2])]);
    await expect(measure(model, data)).rejects.toThrow(
      `${name}: the weights are not finite: entry 3 of weight last/kernel is NaN`,
    );
  });
});

describe('a one-output sigmoid LayersModel', () => {
  const net = (activation: 'sigmoid' | 'linear') => {
    const model = tfl.sequential({ layers: [tfl.layers.dense({ inputShape: [3], units: 1, activation })] });
    tf.tidy(() => model.setWeights([tf.tensor2d([2, -1, 0.5], [3, 1]), tf.zeros([1])]));
    return model;
  };

  it('is measured as it says, with integers, a column or one-hot rows as labels', async () => {
    // Losses by hand: ln(1 + e^z) - y z.
    const logits = xs.map(([a, b, c]) => 2 * a! - b! + 0.5 * c!);
    const loss = logits.reduce((sum, z, i) => sum + Math.log1p(Math.exp(z)) - ys[i]! * z, 0) / xs.length;
    const accuracy = logits.filter((z, i) => (z > 0 ? 1 : 0) === ys[i]).length / xs.length;
    for (const labels of [ys, ys.map((y) => [y]), ys.map((y) => [1 - y, y])]) {
      const { train, output } = await generalizationGap(net('sigmoid'), { xs, ys: labels }, data);
      expect(output).toBe('binaryProbability');
      expect(train.loss).toBeCloseTo(loss, 5);
      expect(train.accuracy).toBe(accuracy);
    }
  });

  it('has the path norm of its logit: the squares of 2, -1 and 0.5', async () => {
    for (const [model, output] of [
      [net('sigmoid'), undefined],
      [net('linear'), 'binaryLogits'],
    ] as const) {
      const { measures, margin } = await normMeasures(model, data, { output });
      expect(measures.PATH_NORM.raw).toBeCloseTo(5.25, 5);
      expect(Number.isFinite(margin)).toBe(true);
    }
  });

  it('without the sigmoid must be said to be one or the other', async () => {
    await expect(findSigma(net('linear'), data)).rejects.toThrow(
      "findSigma: the model returns one number without a sigmoid, which may be a logit or a regression; say output: 'binaryLogits' or output: 'regression'",
    );
  });
});

describe('a regression', () => {
  const targets = xs.map(([a, b, c]) => 2 * a! - b! + 0.5 * c! + 0.25);
  const regression = { forward: z, variables: [weights], output: 'regression' as const };
  const set = { xs, ys: targets };

  it('has the mean squared error as its loss: 0.25 off everywhere is 0.0625; and no accuracy', async () => {
    const doubled = { xs, ys: targets.map((t) => [t + 0.25]) };
    const { train, test, lossGap, accuracyGap, output } = await generalizationGap(regression, set, doubled);
    expect(output).toBe('regression');
    expect(train.loss).toBeCloseTo(0.0625, 6);
    expect(train.lossStandardError).toBeCloseTo(0, 6);
    expect(test.loss).toBeCloseTo(0.25, 6);
    expect(lossGap.value).toBeCloseTo(0.1875, 6);
    for (const value of [train.accuracy, ...train.accuracyCi95, accuracyGap.value]) expect(value).toBeNaN();
  });

  it('is read from a compiled LayersModel, with several numbers an example', async () => {
    const model = tfl.sequential({ layers: [tfl.layers.dense({ inputShape: [3], units: 2, useBias: false })] });
    tf.tidy(() => model.setWeights([tf.tensor2d([1, 0, 0, 1, 0, 0], [3, 2])]));
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    // The outputs are the first two inputs; targets lie 1 and 3 below: (1 + 9) / 2.
    const rows = { xs, ys: tf.tensor2d(xs.map(([a, b]) => [a! - 1, b! - 3])) };
    expect((await generalizationGap(model, rows, rows)).train.loss).toBeCloseTo(5, 5);
    await expect(generalizationGap(model, { xs, ys: targets }, rows)).rejects.toThrow(
      'generalizationGap: targets must be 2 numbers for each example, as many as the model returns, got 1; give ys as rows [n, 2]',
    );
    tf.dispose(rows.ys);
  });

  it('has a landscape: along d the loss is E ((w + t d) x - y)^2', async () => {
    const d = [1, 0, 0];
    const { loss, accuracy } = await lossLandscape(regression, set, {
      directions: [d],
      x: [-1, 0, 2],
      normalization: 'none',
    });
    for (const [i, t] of [-1, 0, 2].entries())
      expect(loss[i]).toBeCloseTo(xs.reduce((sum, [a]) => sum + (t * a! - 0.25) ** 2, 0) / xs.length, 5);
    expect(accuracy.every(Number.isNaN)).toBe(true);
  });

  it('has SAM and average sharpness', async () => {
    // g = 2 E (-0.25 x); L is quadratic: L(w + rho g/|g|) - L(w) = rho |g| + rho^2 u H u / 2 with H = 2 E x x^T.
    const mean = (f: (x: number[]) => number) => xs.reduce((sum, x) => sum + f(x), 0) / xs.length;
    const g = [0, 1, 2].map((k) => mean((x) => -0.5 * x[k]!));
    const length = Math.hypot(...g);
    const along = mean((x) => g.reduce((sum, gk, k) => sum + (gk / length) * x[k]!, 0) ** 2);
    const sam = await samSharpness(regression, set, { rho: 0.5 });
    expect(sam.value).toBeCloseTo(0.5 * length + 0.25 * along, 5);
    const average = await averageSharpness(regression, set, { rho: 0.1, adaptive: false, draws: 400 });
    // E (u x)^2 = rho^2 E |x|^2, the linear term has mean 0.
    const expected = 0.01 * mean((x) => x.reduce((sum, value) => sum + value ** 2, 0));
    expect(Math.abs(average.value - expected)).toBeLessThan(4 * average.standardError);
    await expect(averageSharpness(regression, set, { normalizeLogits: true })).rejects.toThrow(
      'averageSharpness: normalizeLogits is about logits, and the output of this model is a regression',
    );
  });

  it.each(['exact', 'gauss-newton'] as const)('has Hessians, H = 2 E x x^T of one output, %s', async (curvature) => {
    const H = [0, 1, 2].map((j) =>
      [0, 1, 2].map((k) => (2 * xs.reduce((sum, x) => sum + x[j]! * x[k]!, 0)) / xs.length),
    );
    const { values, output } = await hessianEigenvalues(regression, set, { curvature, count: 3 });
    expect(output).toBe('regression');
    // The eigenvalues of a matrix have its trace and its determinant.
    const [[a, b, c], [, d, e], [, , f]] = H as [number[], number[], number[]];
    expect(values[0]! + values[1]! + values[2]!).toBeCloseTo(a! + d! + f!, 3);
    const determinant = a! * (d! * f! - e! * e!) - b! * (b! * f! - e! * c!) + c! * (b! * e! - d! * c!);
    expect(values[0]! * values[1]! * values[2]!).toBeCloseTo(determinant, 3);
  });

  it('has norms, but no margin', async () => {
    const { margin, measures, warnings } = await normMeasures(regression, set);
    expect(margin).toBeNaN();
    expect(measures.PARAM_NORM.raw).toBeCloseTo(5.25, 6);
    expect(measures.LOG_PROD_OF_SPEC_OVER_MARGIN.raw).toBeNull();
    expect(warnings.join()).toContain('a regression has no margin');
  });

  it.each(['findSigma', 'findAlpha', 'measureFlatness'])('has no %s: nothing can drop', async (name) => {
    await expect(all[name]!(regression, set)).rejects.toThrow(
      `${name}: is about the accuracy of a classifier, and the output of this model is a regression`,
    );
  });

  it('refuses targets that are not finite', async () => {
    await expect(samSharpness(regression, { xs, ys: targets.map(() => Number.POSITIVE_INFINITY) })).rejects.toThrow(
      'samSharpness: targets must be finite numbers, got Infinity at example 0',
    );
  });
});

it('an output that is none is refused with the nearest', async () => {
  await expect(findSigma({ forward: z, variables: [weights], output: 'logit' as never }, data)).rejects.toThrow(
    "findSigma: output must be 'logits' or 'probabilities' or 'binaryLogits' or 'binaryProbability' or 'regression', got logit; did you mean 'logits'?",
  );
});
