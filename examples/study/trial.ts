import { type CorruptionName, corruptionReport } from '@qgen/corruptions';
import { quantizedWeights, quantizeModel } from '@qgen/lsq';
import {
  generalizationGap,
  measureFlatness,
  type RandomAccessData,
  type SearchResult,
  snapshot,
  weightNorms,
} from '@qgen/measures';
import { networkInNetwork } from '@qgen/models';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { version_layers } from '@tensorflow/tfjs-layers';
import qgen from '../../package.json' with { type: 'json' };
import type { Dataset, Split } from '../shared/dataset';
import { consecutive, firstExamples, imageBatch, labelsOf } from '../shared/dataset';
import type { Configuration } from './configuration';
import type { OnStage } from './progress';
import { PAC_BAYES, type Scale, type Trial } from './results';
import { train } from './train';

export const DISTORTIONS = [
  'gaussian_noise',
  'impulse_noise',
  'defocus_blur',
  'contrast',
  'brightness',
  'pixelate',
] as const satisfies readonly CorruptionName[];
export const SEVERITIES = [1, 3, 5];
/** Small images: the parameters that CIFAR-10-C was made with. */
export const PRESET = 'cifar-c';
/** Distortions are applied to as many images of the test split. */
const DISTORTED = 2000;
/** Half the 95 % interval of ln σ at which its search stops. */
const SIGMA_TOLERANCE = 0.05;

/** Trains the network at one precision and takes every number of a line of results.jsonl. */
export async function runTrial(
  configuration: Configuration,
  bits: number,
  dataset: Dataset,
  onStage: OnStage,
): Promise<Trial> {
  const { seed } = configuration;
  const started = performance.now();
  const model = await initialModel(configuration, bits, dataset);
  const initial = await snapshot(model);
  const trainData = randomAccess(dataset.train, dataset.shape);
  const testData = randomAccess(dataset.test, dataset.shape);
  const history = await train(model, dataset, configuration, (share) => onStage(bits, 'training', share));
  const trained = performance.now();

  onStage(bits, 'evaluating', 0);
  const scores = await generalizationGap(model, trainData, testData, { batchSize: 250 });
  const { total } = await weightNorms(model);
  const flatness = await measureFlatness(model, trainData, {
    initial,
    measures: PAC_BAYES,
    seed,
    sigma: { relativeTolerance: SIGMA_TOLERANCE },
    onProgress: ({ search, ci95 }) =>
      onStage(bits, search === 'sigma' ? 'searching σ' : 'searching σ′', ci95 ? shareSearched(ci95) : 0),
  });
  const distorted = await corruptionReport(
    model,
    () => batches(firstExamples(dataset.test, DISTORTED), dataset.shape),
    {
      corruptions: DISTORTIONS,
      severities: SEVERITIES,
      preset: PRESET,
      seed,
      trainLoss: { loss: scores.train.loss, standardError: scores.train.lossStandardError },
      onProgress: ({ done, total }) => onStage(bits, 'distorting', done / total),
    },
  );
  const stepSizes = await learnedSteps(model);
  model.dispose();

  return {
    bits,
    seed,
    configuration,
    backend: tf.getBackend(),
    versions: { qgen: qgen.version, tfjs: version_layers, node: process.versions.node },
    seconds: { training: (trained - started) / 1000, measuring: (performance.now() - trained) / 1000 },
    dataset: {
      name: dataset.name,
      train: dataset.train.size,
      test: dataset.test.size,
      distorted: Math.min(DISTORTED, dataset.test.size),
    },
    history,
    train: scores.train,
    test: scores.test,
    gap: { loss: scores.lossGap.value, standardError: scores.lossGap.standardError },
    stepSizes,
    weightNorm: total.l2,
    sigma: scale(flatness.searches.sigma),
    sigmaMagnitude: scale(flatness.searches.sigmaMagnitude),
    view: flatness.setting.view,
    dialect: flatness.setting.dialect,
    measures: flatness.measures as Trial['measures'],
    corruptions: distorted.results.map(({ corruption, severity, loss, accuracy, gap, gapStandardError }) => ({
      name: corruption,
      severity,
      loss,
      accuracy,
      gap: gap as number,
      gapStandardError: gapStandardError as number,
    })),
  };
}

/** The network before training: the same weights at every precision, all layers quantized alike as in the paper. */
async function initialModel(
  { seed, width, depth }: Configuration,
  bits: number,
  dataset: Dataset,
): Promise<LayersModel> {
  const float = networkInNetwork({
    inputShape: dataset.shape,
    classes: dataset.classes,
    width,
    depth,
    seed,
    rescale: true,
  });
  if (bits === 32) return float;
  // Steps are trained and started as in the LSQ paper, which QGen follows.
  const quantized = await quantizeModel(float, { bits, firstLast: 'same', init: 'lsq', stepScale: 'absolute' });
  float.dispose();
  return quantized;
}

function randomAccess(split: Split, shape: Dataset['shape']): RandomAccessData {
  return {
    size: split.size,
    batch: (indices) => ({ xs: imageBatch(split, indices, shape), ys: labelsOf(split, indices) }),
  };
}

function* batches(split: Split, shape: Dataset['shape']) {
  for (const indices of consecutive(split.size))
    yield { xs: imageBatch(split, indices, shape), ys: labelsOf(split, indices) };
}

/** The step of every quantized kernel, and the share of its codes that are 0. */
async function learnedSteps(model: LayersModel): Promise<Trial['stepSizes']> {
  return Promise.all(
    quantizedWeights(model).map(async ({ layer, step, codes }) => {
      const zeros = tf.tidy(() => tf.mean(tf.cast(tf.equal(codes(), 0), 'float32')));
      const [[value], [zeroFraction]] = await Promise.all([step.data(), zeros.data()]);
      zeros.dispose();
      return { layer, step: Math.abs(value), zeroFraction };
    }),
  );
}

/** An interval narrows with the root of the draws: the share of them that is done. */
function shareSearched([low, high]: readonly [number, number]): number {
  return Math.min(1, (SIGMA_TOLERANCE / (Math.log(high / low) / 2)) ** 2);
}

function scale(result: SearchResult | null): Scale {
  if (!result) return { value: null, interval: null, status: 'not searched' };
  return { value: result.value, interval: result.ci95, status: result.status };
}
