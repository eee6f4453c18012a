import { cpus } from 'node:os';
import type { Measuring, Part } from './measuring';
import { FLOAT, type ModelName, type Trial } from './setting';

/** What an estimate needs of the data. */
export interface DataSize {
  readonly shape: readonly [number, number, number];
  readonly classes: number;
  readonly downsample: number;
  readonly train: number;
  readonly test: number;
}

/** Millions of multiplications for one image in a forward pass, at 32×32 with the CIFAR stem; as the square of the side. */
const MILLIONS: Readonly<Record<Exclude<ModelName, 'networkInNetwork'>, number>> = {
  resnet18: 557,
  resnet50: 1300,
  mobileNetV1: 47,
  mobileNetV2: 88,
  vgg19: 399,
  deit: 360,
  swin: 380,
};

/**
 * Seconds that one example takes in a training step: a constant and a part for each million of multiplications. Measured on
 * one thread of a machine of two cores, Network-in-Network of widths 1, 2, 8 and 12.
 */
const STEP = { wasm: [0.6e-3, 0.38e-3], node: [1.1e-3, 0.15e-3], other: [0.6e-3, 0.38e-3] } as const;
/** A pass without training as a share of a training step. */
const FORWARD = 0.17;
/** Forward passes that the parts take over each of the examples that they see. */
const PASSES = { alpha: 25, norms: 4, hessian: 1200, landscape: 21 } as const;

/** A rough number of seconds that a trial takes in one process. */
export function estimateSeconds(
  { setting, bits }: Trial,
  measuring: Measuring,
  data: DataSize,
  backend: string,
): number {
  const [constant, slope] = STEP[backend as 'wasm' | 'node'] ?? STEP.other;
  const step = constant + slope * multiplications(setting, data);
  const forward = FORWARD * step;
  const { parts, alphaExamples, curvatureExamples, sigmaBudget, alphaSteps } = measuring;
  const { corruptions, severities, corruptedExamples } = measuring;
  const recipe = setting.recipe === 'sam' ? 2 : 1;
  const training = setting.epochs * data.train * (recipe * step + forward);
  const atMost = (examples: number | null, split: number) => Math.min(split, examples ?? split);
  /** Examples in forward passes of the parts. */
  const examples: Readonly<Record<Part, number>> = {
    sigma: 1.5 * sigmaBudget,
    latent: bits === FLOAT ? 0 : 1.5 * sigmaBudget,
    alpha: PASSES.alpha * alphaSteps * atMost(alphaExamples, data.train),
    corruptions: corruptions.length * severities.length * atMost(corruptedExamples, data.test),
    norms: PASSES.norms * atMost(curvatureExamples, data.train),
    hessian: PASSES.hessian * atMost(curvatureExamples, data.train),
    landscape: PASSES.landscape * atMost(curvatureExamples, data.train),
  };
  const measured = parts.reduce((sum, part) => sum + examples[part], data.train + data.test);
  return training + measured * forward;
}

/** In millions, of one forward pass. */
function multiplications({ model, width, depth }: Trial['setting'], { shape, classes, downsample }: DataSize): number {
  const [height, w, channels] = [shape[0] / downsample, shape[1] / downsample, shape[2]];
  if (model !== 'networkInNetwork') return (MILLIONS[model] * height * w) / 1024;
  const filters = 25 * (width ?? 8);
  let side = Math.ceil(height / 2);
  let total = 0;
  for (let block = 0; block < (depth ?? 3); block++) {
    total += side * side * filters * (9 * (block === 0 ? channels : filters) + 2 * filters);
    if (block < (depth ?? 3) - 1) side = Math.ceil(side / 2);
  }
  return (total + side * side * filters * classes) / 1e6;
}

/** Processes that share the processors of this machine, or of the task that a scheduler started. */
export function usableProcessors(environment: NodeJS.ProcessEnv = process.env): number {
  const given = Number(environment.SLURM_CPUS_PER_TASK);
  return Number.isInteger(given) && given > 0 ? given : cpus().length;
}

export function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(1)} days`;
}
