import {
  type BatchProgress,
  type Data,
  LONG_WORK_OPTIONS,
  type LongWork,
  meanInterval,
  requireBooleans,
  requireCounts,
  requireKnownOptions,
  requireNotNegative,
  requireOneOf,
  requireSeed,
  startCountedWork,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { displace } from '../perturbation/displacement';
import { randomDirection } from '../perturbation/random-direction';
import { evaluate } from '../subject/evaluate';
import { openExamples } from '../subject/open-examples';
import { type OpenModel, openModel } from '../subject/open-model';
import { asTrained, type MeasuredOn, measuredOn, type OpenModelOptions, SUBJECT_OPTIONS } from '../subject/options';
import type { ModelLike } from '../subject/parameters';

export interface AverageSharpnessOptions extends OpenModelOptions, LongWork<BatchProgress> {
  /** Size of the noise. */
  readonly rho?: number;
  /** True (default): noise in proportion to |w|, which does not change when layers are rescaled. */
  readonly adaptive?: boolean;
  /** `'l2'`: Gaussian noise of standard deviation rho; `'linf'`: uniform in a box of half width rho. */
  readonly norm?: 'l2' | 'linf';
  /** Whether logits are centred and divided by their length, so that confidence alone makes nothing flat. */
  readonly normalizeLogits?: boolean;
  /** Draws of noise, each on all examples; 32 unless said. Fewer leave the interval too short where rises are skewed. */
  readonly draws?: number;
  readonly seed?: number;
  readonly batchSize?: number;
}

const OPTIONS = [
  ...SUBJECT_OPTIONS,
  ...LONG_WORK_OPTIONS,
  'rho',
  'adaptive',
  'norm',
  'normalizeLogits',
  'draws',
  'seed',
  'batchSize',
] as const satisfies readonly (keyof AverageSharpnessOptions)[];

export interface AverageSharpness extends MeasuredOn {
  /** The mean of L(w + u) - L(w) over the draws: larger is sharper. NaN if an output is. */
  readonly value: number;
  /** Its standard error over the draws; NaN for one draw. */
  readonly standardError: number;
  /**
   * 95 % interval of the mean over all noise, for these examples: Student's, with the skewness of the rises taken out. It
   * leaves out what another training of the model would change. NaN for one draw.
   */
  readonly ci95: readonly [number, number];
  /** L(w) */
  readonly loss: number;
  readonly draws: number;
  readonly examples: number;
  readonly rho: number;
  readonly adaptive: boolean;
  readonly norm: 'l2' | 'linf';
}

/**
 * Average-case sharpness `E_u L(w + u) - L(w)` with `u_i = rho c_i z_i`, `c = |w|` (adaptive) or 1, and z normal (l2) or
 * uniform in [-1, 1] (linf) (Andriushchenko et al. 2023, section 2). Larger is sharper; compare models at one rho. All
 * parameters that training moves are disturbed, kernels as stored, unless `scope` and `batchNorm` say otherwise, and every
 * draw meets all examples. With `normalizeLogits` both losses are taken of `(z - mean z) / max(|z - mean z|, 1e-10)`.
 *
 * @throws RangeError for an unknown option, a rho below 0, a norm that is none, draws that is no count, a seed that is no
 * integer of 0 and more; TypeError for a flag that is no boolean; the data's and the model's errors
 */
export async function averageSharpness(
  model: ModelLike,
  data: Data,
  options: AverageSharpnessOptions = {},
): Promise<AverageSharpness> {
  const caller = 'averageSharpness';
  requireKnownOptions(caller, options, OPTIONS);
  const { rho = 0.1, adaptive = true, norm = 'l2', draws = 32, seed = 0, batchSize = 256, normalizeLogits } = options;
  requireNotNegative(caller, { rho });
  requireBooleans(caller, { adaptive, normalizeLogits });
  requireOneOf(caller, 'norm', norm, ['l2', 'linf']);
  requireCounts(caller, { draws, batchSize });
  requireSeed(caller, seed);
  const opened = openModel(model, asTrained(options), caller, 'any');
  try {
    if (normalizeLogits && opened.outputKind === 'regression')
      throw new TypeError(
        `${caller}: normalizeLogits is about logits, and the output of this model is a regression; leave it out`,
      );
    const subject = normalizeLogits ? withNormalizedLogits(opened) : opened;
    const examples = await openExamples(subject, data, caller);
    const work = startCountedWork(options, (draws + 1) * Math.ceil(examples.size / batchSize));
    const lossHere = async () => (await evaluate(subject, examples, { batchSize, work }, caller)).loss;

    const loss = await lossHere();
    const rises: number[] = [];
    for (let draw = 0; draw < draws; draw++) {
      const noise = tf.tidy(() => {
        const direction = randomDirection(subject, { seed, draw, law: norm === 'l2' ? 'normal' : 'uniform' });
        return subject.parameters.map(({ centre }, i) =>
          adaptive ? tf.mul(tf.abs(centre), direction[i]) : direction[i],
        );
      });
      displace(subject, [noise], [rho]);
      tf.dispose(noise);
      rises.push((await lossHere()) - loss);
    }
    const { mean: value, standardError, interval: ci95 } = meanInterval(rises);
    const made = { rho, adaptive, norm, ...measuredOn(opened) };
    return { value, standardError, ci95, loss, draws, examples: examples.size, ...made };
  } finally {
    opened.close();
  }
}

function withNormalizedLogits(subject: OpenModel): OpenModel {
  return {
    ...subject,
    outputKind: 'logits',
    predict: (x) =>
      tf.tidy(() => {
        const outputs = subject.predict(x);
        const logits = subject.outputKind === 'logits' ? outputs : tf.log(tf.maximum(outputs, 1e-30));
        const centred = tf.sub(logits, tf.mean(logits, -1, true));
        return tf.div(centred, tf.maximum(tf.norm(centred, 2, -1, true), 1e-10));
      }),
  };
}
