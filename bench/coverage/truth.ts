import { openData, philoxBits, startWork } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { openCurvature } from '../../packages/measures/src/curvature/curvature';
import { displace } from '../../packages/measures/src/perturbation/displacement';
import { dimensionOf } from '../../packages/measures/src/perturbation/flatten';
import { randomDirection } from '../../packages/measures/src/perturbation/random-direction';
import { cleanAnswers } from '../../packages/measures/src/search/clean-answers';
import { createDraws } from '../../packages/measures/src/search/sigma/draws';
import { evaluate } from '../../packages/measures/src/subject/evaluate';
import { openModel } from '../../packages/measures/src/subject/open-model';
import { asTrained } from '../../packages/measures/src/subject/options';
import type { Examples } from './nets';

/** A number that intervals are held against, with its own standard error. */
export interface Truth {
  readonly value: number;
  readonly standardError: number;
}

/** The true value is known to this share of itself: an eighth of the standard error behind an interval of +-3 %. */
const TRUTH_ERROR = 0.03 / 1.96 / 8;
const SPREAD = 0.03;
const MOST_DRAWS = 400_000;
const EXAMPLES_PER_DRAW = 128;
const MOST_PROBES = 200_000;

/**
 * ln of the scale at which the drop passes 0.1: the line through the mean drops of very many draws 3 % below and above a
 * scale that is nearly right. The curve bends by less than 0.1 % in between. As many pairs of draws as are asked for, or
 * enough; draw k is the same noise on the same examples for every model of one architecture.
 */
export async function trueSigma(
  model: LayersModel,
  data: Examples,
  {
    near,
    magnitudeAware,
    pairs,
  }: { readonly near: number; readonly magnitudeAware: boolean; readonly pairs?: number | undefined },
): Promise<Truth & { readonly pairs: number }> {
  const subject = openModel(model, {}, 'coverage');
  try {
    const examples = await openData(data, 'coverage', subject.expects);
    const noise = { magnitudeAware, epsilon: 1e-3, convention: 'standard' } as const;
    const clean = cleanAnswers(examples.size);
    const progress = () => {
      throw new Error('coverage: nobody asked for progress');
    };
    const options = { noise, seed: 2 ** 31, batchSize: 256, clean, work: startWork({}), progress };
    const draws = createDraws(subject, examples, options, 'coverage');
    const [low, high] = [new Moments(), new Moments()];
    for (let k = 1; k <= MOST_DRAWS / 2; k++) {
      low.add(await draws.subset(near * Math.exp(-SPREAD), EXAMPLES_PER_DRAW));
      high.add(await draws.subset(near * Math.exp(SPREAD), EXAMPLES_PER_DRAW));
      if (k < 2000 || k % 1000 > 0 || k < (pairs ?? 0)) continue;
      const slope = (high.mean - low.mean) / (2 * SPREAD);
      const middle = (low.mean + high.mean) / 2;
      const standardError = Math.hypot(low.standardError, high.standardError) / 2 / slope;
      const value = Math.log(near) + (0.1 - middle) / slope;
      const enough = k === pairs || standardError < TRUTH_ERROR || k >= MOST_DRAWS / 2;
      if (slope > 0 && enough) return { value, standardError, pairs: k };
    }
    throw new Error('coverage: the drop does not rise with the noise');
  } finally {
    subject.close();
  }
}

/** The mean rise of the loss over 10,000 draws of the noise that `averageSharpness` makes by default. */
export async function trueAverageSharpness(model: LayersModel, data: Examples): Promise<Truth> {
  const subject = openModel(model, asTrained({}), 'coverage', 'any');
  try {
    const examples = await openData(data, 'coverage', subject.expects);
    const lossHere = async () => (await evaluate(subject, examples, { batchSize: 1000 }, 'coverage')).loss;
    const loss = await lossHere();
    const rises = new Moments();
    for (let draw = 0; draw < 10_000; draw++) {
      tf.tidy(() => {
        const direction = randomDirection(subject, { seed: 2 ** 31, draw, law: 'normal' });
        displace(subject, [subject.parameters.map(({ centre }, i) => tf.mul(tf.abs(centre), direction[i]!))], [0.1]);
      });
      rises.add((await lossHere()) - loss);
    }
    return { value: rises.mean, standardError: rises.standardError };
  } finally {
    subject.close();
  }
}

/** The trace of Gauss-Newton, known to an eighth of the standard error behind an interval of +-3 %. */
export async function trueTrace(model: LayersModel, data: Examples): Promise<Truth> {
  const subject = openModel(model, asTrained({}), 'coverage', 'any');
  try {
    const examples = await openData(data, 'coverage', subject.expects);
    const options = { curvature: 'gauss-newton', work: startWork({}) } as const;
    const { form } = await openCurvature(subject, examples, options, 'coverage');
    const dimension = dimensionOf(subject);
    const forms = new Moments();
    for (let stream = 0; stream < MOST_PROBES; stream++) {
      const signs = philoxBits(dimension, { seed: 2 ** 31, stream });
      forms.add(await form(Float64Array.from(signs, (bits) => (bits & 1 ? 1 : -1))));
      if (stream > 1000 && forms.standardError < TRUTH_ERROR * forms.mean) break;
    }
    return { value: forms.mean, standardError: forms.standardError };
  } finally {
    subject.close();
  }
}

/** Mean and standard error of numbers as they come (Welford 1962). */
class Moments {
  private count = 0;
  private squares = 0;
  mean = 0;

  add(value: number): void {
    const before = value - this.mean;
    this.mean += before / ++this.count;
    this.squares += before * (value - this.mean);
  }

  get standardError(): number {
    return Math.sqrt(this.squares / (this.count - 1) / this.count);
  }
}
