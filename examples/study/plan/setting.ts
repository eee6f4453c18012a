export const MODELS = [
  'networkInNetwork',
  'resnet18',
  'resnet50',
  'mobileNetV1',
  'mobileNetV2',
  'vgg19',
  'deit',
  'swin',
] as const;
export type ModelName = (typeof MODELS)[number];

export const OPTIMIZERS = ['sgd', 'adam', 'rmsprop'] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

/**
 * Recipes of quantization-aware training: LSQ alone, LSQ minimized by SAM, and LSQ whose oscillating weights are frozen in
 * the last third of the training. The float network of a setting has the first two alone.
 */
export const RECIPES = ['lsq', 'sam', 'freeze'] as const;
export type RecipeName = (typeof RECIPES)[number];

/** How one network is built and trained: what the paper calls its hyperparameters, and what stays the same for all. */
export interface Setting {
  readonly model: ModelName;
  /** Network-in-Network: 25 × width filters a layer and depth blocks; of the others width is that of their builder. */
  readonly width: number | null;
  readonly depth: number | null;
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  /** The rate is divided by 10 after each of these epochs. */
  readonly milestones: readonly number[];
  readonly epochs: number;
  /** Of SGD. */
  readonly momentum: number;
  /** λ of λ w added to the gradient of every weight but the steps, as in PyTorch's optimizers. */
  readonly weightDecay: number;
  readonly batchSize: number;
  readonly recipe: RecipeName;
}

/** The precision of float, and those that LSQ takes. */
export const FLOAT = 32;

export const precisionName = (bits: number): string => (bits === FLOAT ? 'FP32' : `Int${bits}`);

/** One network: a setting, its seed (of weights and data order) and its precision. */
export interface Trial {
  readonly setting: Setting;
  readonly seed: number;
  readonly bits: number;
}
