import type { Setting } from '../plan/setting';
import { type Manifest, type Planned, planManifest } from './manifest';
import type { Numbers, TrialResult } from './result';

const SETTING: Setting = {
  ...{ model: 'networkInNetwork', width: 1, depth: 2, optimizer: 'sgd', learningRate: 0.1, milestones: [] },
  ...{ epochs: 1, momentum: 0.9, weightDecay: 0, batchSize: 32, recipe: 'lsq' },
};

/** A study of trials that take no training, to test what becomes of its files. */
export const smallStudy: Manifest = planManifest(
  { name: 'small', source: 'a test' },
  {
    data: {
      ...{ name: 'none', shape: [1, 1, 1], classes: 2, downsample: 1, train: 1, test: 1 },
      ...{ sha256: '', corrupted: null, weights: null },
    },
    measuring: {
      ...{ parts: [], alphaExamples: null, curvatureExamples: 1, sigmaTolerance: 1, sigmaBudget: 1, alphaTolerance: 1 },
      ...{ alphaSteps: 1, corruptions: [], severities: [], corruptedExamples: null, seed: 1 },
    },
    backend: 'none',
    threads: 1,
    versions: {},
  },
  Array.from({ length: 400 }, (_, i) => ({ setting: SETTING, seed: Math.floor(i / 4), bits: [32, 8, 4, 2][i % 4]! })),
);

/** Numbers that depend on the trial alone. */
export function smallResult({ id, ...trial }: Planned): TrialResult {
  const value = trial.seed + trial.bits / 100;
  const score = { loss: value, lossStandardError: 0.01, accuracy: 0.5 };
  const numbers: Numbers = {
    ...{
      history: { trainLoss: [value], bestEpoch: 1 },
      train: score,
      test: score,
      gap: { loss: 0.1, standardError: 0.01 },
    },
    ...{ weightNorm: 1, stepSizes: [], flatness: null, latent: null, distorted: null, norms: null },
    ...{ hessianTrace: null, landscape: null },
  };
  return { format: 'qgen-study 1', id, ...trial, outcome: 'trained', divergedIn: null, numbers };
}
