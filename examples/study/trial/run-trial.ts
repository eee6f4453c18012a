import type { CorruptedData } from '@qgen/corruptions';
import { quantizedWeights } from '@qgen/lsq';
import {
  enableSecondOrder,
  generalizationGap,
  hessianTrace,
  lossLandscape,
  normMeasures,
  snapshot,
  weightNorms,
} from '@qgen/measures';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { asData, firstOf, type StudyData } from '../data/examples';
import type { RunningCost } from '../folder/costs';
import type { Planned } from '../folder/manifest';
import type { Numbers, TrialResult } from '../folder/result';
import type { Measuring, Part } from '../plan/measuring';
import { FLOAT } from '../plan/setting';
import { measureDistorted } from './distort';
import { sigmaOf, withAlpha } from './flatness';
import { initialModel } from './model';
import { Diverged, train } from './train';

/** What a worker holds for all its trials. */
export interface Surroundings {
  readonly data: StudyData;
  readonly distorted: CorruptedData;
  readonly measuring: Measuring;
  readonly weights: string | null;
}

export type OnStage = (stage: string, share: number) => void;

/** Trains one network and takes every number of its result. A training that diverges is a result, too. */
export async function runTrial(
  planned: Planned,
  { data, distorted, measuring, weights }: Surroundings,
  cost: RunningCost,
  onStage: OnStage,
): Promise<TrialResult> {
  const { id, setting, seed, bits } = planned;
  const base = { format: 'qgen-study 1', id, setting, seed, bits } as const;
  const model = await cost.time('building', () => initialModel(planned, data, weights));
  try {
    const initial = await snapshot(model);
    const history = await cost.time('training', () =>
      train(model, data, planned, (share) => onStage('training', share)),
    );
    const numbers = await measure(model, { history, initial, quantized: bits !== FLOAT, seed });
    if (Number.isFinite(numbers.gap.loss) && Number.isFinite(numbers.weightNorm))
      return { ...base, outcome: 'trained', divergedIn: null, numbers };
    return { ...base, outcome: 'diverged', divergedIn: history.bestEpoch, numbers: null };
  } catch (error) {
    if (!(error instanceof Diverged)) throw error;
    return { ...base, outcome: 'diverged', divergedIn: error.epoch, numbers: null };
  } finally {
    model.dispose();
  }

  async function measure(
    trained: LayersModel,
    {
      history,
      initial,
      quantized,
      seed,
    }: Pick<Numbers, 'history'> & {
      readonly initial: Awaited<ReturnType<typeof snapshot>>;
      readonly quantized: boolean;
      readonly seed: number;
    },
  ): Promise<Numbers> {
    const { parts, alphaExamples, curvatureExamples } = measuring;
    const all = asData(data, data.train);
    const forAlpha = asData(data, firstOf(data.train, alphaExamples));
    const forCurvature = asData(data, firstOf(data.train, curvatureExamples));
    /** A part that is asked for, timed; null for one that isn't. */
    const part = async <T>(name: Part, work: () => Promise<T>): Promise<T | null> => {
      if (!parts.includes(name)) return null;
      onStage(name, 0);
      return cost.time(name, work);
    };
    onStage('evaluating', 0);
    const [scores, norms, stepSizes] = await cost.time('evaluating', async () => [
      await generalizationGap(trained, all, asData(data, data.test), { batchSize: 250 }),
      await weightNorms(trained),
      await learnedSteps(trained),
    ]);
    const gap = { loss: scores.lossGap.value, standardError: scores.lossGap.standardError };
    if (!Number.isFinite(gap.loss)) throw new Diverged(history.bestEpoch);
    const request = (view: 'dequantized' | 'latent') =>
      ({ view, initial, measuring, onProgress: (search: string) => onStage(search, 0) }) as const;
    const sigma = await part('sigma', () => sigmaOf(trained, all, request('dequantized')));
    const alpha = await part('alpha', () => withAlpha(sigma, trained, forAlpha, request('dequantized')));
    return {
      history,
      train: scoreOf(scores.train),
      test: scoreOf(scores.test),
      gap,
      weightNorm: norms.total.l2,
      stepSizes,
      flatness: alpha ?? sigma,
      latent: quantized ? await part('latent', () => sigmaOf(trained, all, request('latent'))) : null,
      distorted: await part('corruptions', () =>
        measureDistorted(trained, data, distorted, measuring, scoreOf(scores.train), (share) =>
          onStage('corruptions', share),
        ),
      ),
      norms: await part('norms', async () => {
        const { measures } = await normMeasures(trained, forCurvature, { initial, batchSize: 250 });
        return Object.fromEntries(Object.entries(measures).map(([id, measure]) => [id, measure.raw]));
      }),
      hessianTrace: await part('hessian', async () => {
        enableSecondOrder();
        const { value, standardError, status } = await hessianTrace(trained, forCurvature, {
          ...{ maxProbes: 200, relativeTolerance: 0.1, seed: measuring.seed },
        });
        return { value, standardError, status };
      }),
      landscape: await part('landscape', async () => {
        const { x, loss } = await lossLandscape(trained, forCurvature, { seed, batchSize: 250 });
        return { x, loss };
      }),
    };
  }
}

function scoreOf({ loss, lossStandardError, accuracy }: Numbers['train']): Numbers['train'] {
  return { loss, lossStandardError, accuracy };
}

/** The step of every quantized kernel, and the share of its codes that are 0. */
async function learnedSteps(model: LayersModel): Promise<Numbers['stepSizes']> {
  return Promise.all(
    quantizedWeights(model).map(async ({ layer, step, codes }) => {
      const zeros = tf.tidy(() => tf.mean(tf.cast(tf.equal(codes(), 0), 'float32')));
      const [[value], [zeroFraction]] = await Promise.all([step.data(), zeros.data()]);
      zeros.dispose();
      return { layer, step: Math.abs(value!), zeroFraction: zeroFraction! };
    }),
  );
}
