import { openData, startWork } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';
import { openCurvature } from '../../src/curvature/curvature';
import { hessianEigenvalues } from '../../src/curvature/hessian-eigenvalues';
import { hessianSpectralDensity } from '../../src/curvature/hessian-spectral-density';
import { hessianTrace } from '../../src/curvature/hessian-trace';
import { openModel } from '../../src/subject/open-model';
import { convNets, firstExamples, goldenFloats, goldenNet, goldenOf, normalizedNets, smallNets } from '../golden-nets';
import { expectRestored, smallData, smallNet } from '../interruption';

interface Golden {
  hessian: {
    top?: number;
    top5?: number[];
    min?: number;
    trace?: number;
    trace_hutchinson?: number;
    trace_se?: number;
    hvp?: { v: string; Hv: string; vHv: number };
  };
  gauss_newton: { top: number; trace_hutchinson: number; trace_se: number; vGv: number | null };
}

/**
 * Softmax regression on two classes from one weight each: with x = 1 and p the probability of class 0, the Hessian is
 * p (1 - p) [[1, -1], [-1, 1]], of eigenvalues 2 p (1 - p) and 0, and Gauss-Newton is the Hessian.
 */
const regression = (a: number, b: number) => {
  const variable = tf.variable(tf.tensor2d([[a, b]]));
  return { variables: [variable], forward: (x: tf.Tensor) => tf.matMul(x as tf.Tensor2D, variable as tf.Tensor2D) };
};
const one = { xs: [[1]], ys: [0] };
const p = 1 / (1 + Math.exp(-1));
const top = 2 * p * (1 - p);

describe.each(backends)('curvature on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('is the Hessian unless Gauss-Newton is asked for: of the logits a b and 0 at a = b = 1 they differ', async () => {
    const [a, b] = [tf.variable(tf.ones([1, 1])), tf.variable(tf.ones([1, 1]))];
    const forward = (x: tf.Tensor) => {
      const first = tf.matMul(tf.matMul(x as tf.Tensor2D, a as tf.Tensor2D), b as tf.Tensor2D);
      return tf.concat([first, tf.zerosLike(first)], 1);
    };
    // With q = 1 - p the Hessian of ln(1 + e^-ab) is p q [[1, 1], [1, 1]] - q [[0, 1], [1, 0]], of eigenvalues q and
    // q (2 p - 1). Gauss-Newton is the first term alone, of eigenvalues 2 p q and 0. Their traces are equal.
    const q = 1 - p;
    const stock = tf.getGradient('Exp');
    const hessian = await hessianEigenvalues({ forward, variables: [a, b] }, one, { count: 2 });
    expect(hessian).toMatchObject({ quantity: 'Hessian', view: 'float', scope: 'all', batchNorm: 'none' });
    expect(hessian.values[0]).toBeCloseTo(q, 5);
    expect(hessian.values[1]).toBeCloseTo(q * (2 * p - 1), 5);
    const options = { curvature: 'gauss-newton', count: 2 } as const;
    const gaussNewton = await hessianEigenvalues({ forward, variables: [a, b] }, one, options);
    expect(gaussNewton.values[0]).toBeCloseTo(2 * p * q, 3);
    expect(gaussNewton.values[1]).toBeCloseTo(0, 3);
    expect((await hessianTrace({ forward, variables: [a, b] }, one, { maxProbes: 2 })).quantity).toBe('Hessian');
    expect((await hessianSpectralDensity({ forward, variables: [a, b] }, one, { steps: 2 })).quantity).toBe('Hessian');
    // Second derivatives were enabled for as long as they were needed.
    expect(tf.getGradient('Exp')).toBe(stock);
  });

  it('is that of kernels as stored, batch normalization frozen, and says so', { timeout: 60_000 }, async () => {
    const model = smallNet();
    const options = { maxProducts: 3, batchSize: 24 };
    const stored = await hessianEigenvalues(model, smallData, options);
    expect(stored).toMatchObject({ view: 'float', scope: 'all', batchNorm: 'inference' });
    const folded = await hessianEigenvalues(model, smallData, { ...options, batchNorm: 'fold' });
    expect(folded).toMatchObject({ batchNorm: 'fold' });
    expect(Math.abs(folded.values[0]! / stored.values[0]! - 1)).toBeGreaterThan(0.05);
    const trace = await hessianTrace(model, smallData, { maxProbes: 2 });
    expect(trace).toMatchObject({ view: 'float', scope: 'all', batchNorm: 'inference' });
    const density = await hessianSpectralDensity(model, smallData, { probes: 1, steps: 2 });
    expect(density).toMatchObject({ view: 'float', scope: 'all', batchNorm: 'inference' });
    model.dispose();
  });

  it.each([
    ['gauss-newton', 'Gauss-Newton'],
    ['exact', 'Hessian'],
  ] as const)('has the eigenvalues 2 p (1 - p) and 0 for softmax regression: %s', async (curvature, quantity) => {
    const result = await hessianEigenvalues(regression(2, 1), one, { curvature, count: 2, maxProducts: 5 });
    expect(result.values[0]).toBeCloseTo(top, 3);
    expect(result.values[1]).toBeCloseTo(0, 3);
    expect(result).toMatchObject({ quantity, dimension: 2, examples: 1, products: 2 });
    const smallest = await hessianEigenvalues(regression(2, 1), one, { curvature, which: 'smallest' });
    expect(smallest.values[0]).toBeCloseTo(0, 3);
  });

  it.each(['gauss-newton', 'exact'] as const)('has that trace: %s', async (curvature) => {
    const result = await hessianTrace(regression(2, 1), one, { curvature, maxProbes: 60, relativeTolerance: 0.01 });
    // v^T H v is 0 for equal signs and 4 p (1 - p) for unequal ones.
    expect(Math.abs(result.value - top)).toBeLessThan(4 * result.standardError);
    expect(result.standardError).toBeCloseTo(top / Math.sqrt(60), 2);
    expect(result).toMatchObject({ status: 'budget', probes: 60 });
    // Student's factor of 59 degrees of freedom is 2.001; the two forms come about equally often, so nothing is skewed.
    for (const [k, sign] of [-1, 1].entries())
      expect((result.ci95[k]! - result.value) / result.standardError).toBeCloseTo(2.001 * sign, 1);
  });

  it('is the same for logits and for probabilities', async () => {
    const build = (activation: 'linear' | 'softmax') => {
      const model = tfl.sequential({ layers: [tfl.layers.dense({ inputShape: [2], units: 3, activation })] });
      tf.tidy(() =>
        model.setWeights([
          tf.tensor2d([
            [1, 0.5, -1],
            [-1, 0.2, 0.4],
          ]),
          tf.tensor1d([0.5, -0.25, 0]),
        ]),
      );
      return model;
    };
    const data = {
      xs: [
        [1, 2],
        [0.5, -1],
        [-2, 1],
      ],
      ys: [0, 1, 2],
    };
    for (const curvature of ['gauss-newton', 'exact'] as const) {
      const [logits, softmax] = [build('linear'), build('softmax')];
      const expected = await hessianEigenvalues(logits, data, { curvature });
      const result = await hessianEigenvalues(softmax, data, { curvature });
      expect(result.values[0]! / expected.values[0]! - 1).toBeCloseTo(0, 3);
      logits.dispose();
      softmax.dispose();
    }
  });

  it.each([
    ['right', 100, 0],
    ['wrong', 60, 1],
    ['wrong by more than float32 tells', 100, 1],
  ])('is finite for a softmax that is sure of itself and %s', async (_, gap, label) => {
    // p (1 - p) of these gaps is 4e-44 and 9e-27: an eigenvalue of 0.
    const { forward, variables } = regression(gap, 0);
    const softmax = { variables, output: 'probabilities' as const, forward: (x: tf.Tensor) => tf.softmax(forward(x)) };
    const options = { curvature: 'exact', maxProducts: 2 } as const;
    const { values } = await hessianEigenvalues(softmax, { xs: [[1]], ys: [label] }, options);
    expect(Math.abs(values[0]!)).toBeLessThan(1e-5);
  });

  it('calls differences of gradients what they are', async () => {
    const options = { curvature: 'smoothed', radius: 0.01 } as const;
    const { quantity, values } = await hessianEigenvalues(regression(2, 1), one, options);
    expect(quantity).toBe('smoothed curvature at radius 0.01');
    expect(values[0]).toBeCloseTo(top, 3);
    await expect(hessianTrace(regression(2, 1), one, { curvature: 'smoothed' })).rejects.toThrow(/radius/);
  });

  it('restores every weight and leaks nothing, finished, failed or aborted', { timeout: 60_000 }, async () => {
    for (const curvature of ['gauss-newton', 'exact', 'smoothed'] as const)
      await expectRestored((model, data, signal) =>
        hessianEigenvalues(model, data, {
          ...(curvature === 'smoothed' && { radius: 0.1 }),
          curvature,
          maxProducts: 2,
          batchSize: 10,
          signal,
        }),
      );
    await expectRestored((model, data, signal) => hessianTrace(model, data, { maxProbes: 3, batchSize: 10, signal }));
    await expectRestored((model, data, signal) =>
      hessianSpectralDensity(model, data, { probes: 1, steps: 3, batchSize: 10, signal }),
    );
  });

  it('refuses a model that returns NaN', async () => {
    await expect(hessianEigenvalues(regression(Number.NaN, 1), one)).rejects.toThrow(/the weights are not finite.*NaN/);
    await expect(hessianTrace(regression(Number.NaN, 1), one)).rejects.toThrow(/the weights are not finite.*NaN/);
  });
});

describe('hessianEigenvalues, hessianTrace, hessianSpectralDensity', () => {
  beforeAll(() => useBackend('wasm'));

  it('give the same numbers for the same seed on cpu and wasm', async () => {
    const results: number[][] = [];
    for (const backend of ['cpu', 'wasm'] as const) {
      await useBackend(backend);
      const model = smallNet();
      const { values } = await hessianEigenvalues(model, smallData, { maxProducts: 5 });
      const { value } = await hessianTrace(model, smallData, { maxProbes: 10 });
      results.push([values[0]!, value]);
      model.dispose();
    }
    for (const k of [0, 1]) expect(results[1]![k]! / results[0]![k]! - 1).toBeCloseTo(0, 3);
  });

  it('put the weight of the density where the eigenvalues are', async () => {
    const density = await hessianSpectralDensity(regression(2, 1), one, { probes: 50, steps: 2 });
    const near = (value: number) =>
      density.values.reduce((sum, at, k) => sum + (Math.abs(at - value) < 1e-3 ? density.weights[k]! : 0), 0);
    expect(near(top) + near(0)).toBeCloseTo(1, 6);
    expect(Math.abs(near(top) - 0.5)).toBeLessThan(0.2);
  });
});

describe('curvature against the reference', () => {
  beforeAll(() => useBackend('wasm'));

  const load = async (name: string) => ({
    net: await goldenNet(name),
    golden: await goldenOf<Golden>('exact.json', name),
  });
  const nets = [...convNets, ...normalizedNets];

  it.for(nets)('meets the exact product H v on %s to 1e-4, and v^T G v to 1e-3', { timeout: 60_000 }, async (name) => {
    const { net, golden } = await load(name);
    const hvp = golden.hessian.hvp!;
    const v = await goldenFloats(`exact/${hvp.v}`);
    const expected = await goldenFloats(`exact/${hvp.Hv}`);
    const subject = openModel(net.model, { scope: 'all', batchNorm: 'fold' }, 'test');
    const examples = await openData(firstExamples(net.train, 500), 'test');
    const open = (curvature: 'exact' | 'gauss-newton') =>
      openCurvature(subject, examples, { curvature, work: startWork({}) }, 'test');
    const product = await (await open('exact')).product(Float64Array.from(v));
    const error = product.reduce((sum, value, i) => sum + (value - expected[i]!) ** 2, 0);
    const size = expected.reduce((sum, value) => sum + value ** 2, 0);
    expect(Math.sqrt(error / size)).toBeLessThan(1e-4);
    const form = await (await open('gauss-newton')).form(Float64Array.from(v));
    expect(Math.abs(form / golden.gauss_newton.vGv! - 1)).toBeLessThan(1e-3);
    subject.close();
  });

  const whole = 'meets five eigenvalues, the smallest and the trace of the Hessian of %s';
  it.for(smallNets)(whole, { timeout: 60_000 }, async (name) => {
    const { net, golden } = await load(name);
    const options = { curvature: 'exact', batchNorm: 'fold', batchSize: 1000 } as const;
    const largest = await hessianEigenvalues(net.model, net.train, { ...options, count: 5, tolerance: 1e-4 });
    for (const [i, value] of golden.hessian.top5!.entries())
      expect(Math.abs(largest.values[i]! / value - 1)).toBeLessThan(1e-4);
    const smallest = await hessianEigenvalues(net.model, net.train, { ...options, which: 'smallest' });
    expect(Math.abs(smallest.values[0]! / golden.hessian.min! - 1)).toBeLessThan(1e-3);
    const trace = await hessianTrace(net.model, net.train, { ...options, maxProbes: 30 });
    expect(Math.abs(trace.value - golden.hessian.trace!)).toBeLessThan(3 * trace.standardError);
  });

  it.for([...smallNets, ...nets])(
    'meets the top eigenvalue of Gauss-Newton on %s to 1e-3, and its trace within 3 standard errors',
    { timeout: 60_000 },
    async (name) => {
      const { net, golden } = await load(name);
      const data = firstExamples(net.train, 500);
      const options = { curvature: 'gauss-newton', batchNorm: 'fold', batchSize: 500 } as const;
      const eigenvalues = await hessianEigenvalues(net.model, data, options);
      expect(eigenvalues.status).toBe('converged');
      expect(Math.abs(eigenvalues.values[0]! / golden.gauss_newton.top - 1)).toBeLessThan(1e-3);
      const trace = await hessianTrace(net.model, data, { ...options, maxProbes: 30 });
      const error = Math.hypot(trace.standardError, golden.gauss_newton.trace_se);
      expect(Math.abs(trace.value - golden.gauss_newton.trace_hutchinson)).toBeLessThan(3 * error);
    },
  );

  const top = 'meets the top eigenvalue of the exact Hessian of %s to 1e-3';
  it.for(convNets)(top, { timeout: 60_000 }, async (name) => {
    const { net, golden } = await load(name);
    const data = firstExamples(net.train, 500);
    const { values } = await hessianEigenvalues(net.model, data, { curvature: 'exact', batchNorm: 'fold' });
    expect(Math.abs(values[0]! / golden.hessian.top! - 1)).toBeLessThan(1e-3);
  });
});
