import { CORRUPTIONS, type CorruptionName } from '@qgen/corruptions';
import type { Grid } from './grid';
import type { Measuring } from './measuring';
import type { Setting } from './setting';

export const GRID_NAMES = ['quick', 'reduced', 'paper-cifar10', 'paper-cifar100'] as const;
export type GridName = (typeof GRID_NAMES)[number];

const PRECISIONS = [32, 8, 4, 2];

const QUICK_DISTORTIONS: readonly CorruptionName[] = [
  'gaussian_noise',
  'impulse_noise',
  'defocus_blur',
  'contrast',
  'brightness',
  'pixelate',
];

const MEASURING: Measuring = {
  parts: ['sigma', 'alpha', 'corruptions'],
  alphaExamples: 2048,
  curvatureExamples: 500,
  sigmaTolerance: 0.05,
  sigmaBudget: 2 ** 18,
  alphaTolerance: 0.01,
  alphaSteps: 20,
  corruptions: CORRUPTIONS,
  severities: [1, 2, 3, 4, 5],
  corruptedExamples: null,
  seed: 1,
};

const NETWORK: Setting = {
  model: 'networkInNetwork',
  width: 1,
  depth: 2,
  optimizer: 'sgd',
  learningRate: 0.1,
  milestones: [],
  epochs: 1,
  momentum: 0.9,
  weightDecay: 0,
  batchSize: 32,
  recipe: 'lsq',
};

/** What `npm run study` does: one small network at four precisions, three trainings of each. */
const quick: Grid = {
  name: 'quick',
  source: 'chosen for five minutes on two cores; no setting of the paper',
  base: { ...NETWORK, learningRate: 0.2, epochs: 12, milestones: [4, 8] },
  stages: [{ vary: [], seeds: [1, 2, 3] }],
  bits: PRECISIONS,
  train: null,
  test: null,
  downsample: 1,
  measuring: {
    ...MEASURING,
    parts: ['sigma', 'corruptions'],
    corruptions: QUICK_DISTORTIONS,
    severities: [1, 3, 5],
    corruptedExamples: 1000,
    sigmaTolerance: 0.1,
    sigmaBudget: 40_000,
  },
};

const levels = {
  /** The first two of the paper's three for each optimizer. */
  rates: [
    { optimizer: 'sgd', learningRate: 0.1 },
    { optimizer: 'sgd', learningRate: 0.05 },
    { optimizer: 'adam', learningRate: 0.001 },
    { optimizer: 'adam', learningRate: 0.0005 },
  ],
  width: [{ width: 1 }, { width: 2 }],
  depth: [{ depth: 2 }, { depth: 3 }],
} as const satisfies Record<string, readonly Partial<Setting>[]>;

/**
 * Two levels of each of the paper's five axes, 32 settings, in an order in which every beginning is balanced: rate,
 * optimizer and width first, then depth, then the first eight settings once more with another seed, then weight decay.
 */
const reduced: Grid = {
  name: 'reduced',
  source:
    "two levels of each axis of the paper's appendix (arXiv 2404.11769); widths 1 and 2 in place of 8 to 12, batches of 32, 60 epochs on 500 images of half the size",
  base: { ...NETWORK, epochs: 60, milestones: [36, 48] },
  stages: [
    { vary: [levels.rates, levels.width], seeds: [1] },
    { vary: [[{ depth: 3 }], levels.rates, levels.width], seeds: [1] },
    { vary: [levels.rates, levels.width], seeds: [2] },
    { vary: [[{ weightDecay: 2e-4 }], levels.depth, levels.rates, levels.width], seeds: [1] },
  ],
  bits: PRECISIONS,
  train: 500,
  test: 1000,
  downsample: 2,
  measuring: {
    ...MEASURING,
    parts: ['sigma', 'alpha', 'latent', 'corruptions', 'landscape'],
    alphaExamples: 200,
    curvatureExamples: 250,
    sigmaTolerance: 0.1,
    sigmaBudget: 20_000,
    alphaTolerance: 0.05,
    alphaSteps: 6,
    corruptedExamples: 200,
  },
};

/** The grid of the paper's appendix: 3 optimizers × 3 rates × 3 weight decays × 3 widths × 3 depths = 243 settings. */
const paper = (name: GridName, depths: readonly number[]): Grid => ({
  name,
  source: 'appendix of QGen, arXiv 2404.11769; its rates, decays, widths, depths, batch size, epochs and milestones',
  base: { ...NETWORK, batchSize: 128, epochs: 300, milestones: [100, 200] },
  stages: [
    {
      vary: [
        [
          ...[0.1, 0.05, 0.01].map((learningRate) => ({ optimizer: 'sgd', learningRate }) as const),
          ...(['adam', 'rmsprop'] as const).flatMap((optimizer) =>
            [0.001, 0.0005, 0.0001].map((learningRate) => ({ optimizer, learningRate })),
          ),
        ],
        [0, 1e-4, 2e-4].map((weightDecay) => ({ weightDecay })),
        [8, 10, 12].map((width) => ({ width })),
        depths.map((depth) => ({ depth })),
      ],
      seeds: [1],
    },
  ],
  bits: PRECISIONS,
  train: null,
  test: null,
  downsample: 1,
  measuring: { ...MEASURING, corruptedExamples: 2000 },
});

export const GRIDS: Readonly<Record<GridName, Grid>> = {
  quick,
  reduced,
  'paper-cifar10': paper('paper-cifar10', [2, 3, 4]),
  'paper-cifar100': paper('paper-cifar100', [3, 4, 5]),
};
