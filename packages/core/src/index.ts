export { embeddedModule, loadEmbeddedModule, wasmBytes } from './backends/embedded-module';
export { runWebGPUProgram, type WebGPUBackend, type WebGPUProgram } from './backends/webgpu-program';
export { type Batch, range } from './data/batch';
export type {
  BatchSequence,
  Data,
  DatasetLike,
  InMemoryData,
  InMemoryInputs,
  RandomAccessData,
  UnlabelledData,
} from './data/data';
export type { Expected } from './data/expected';
export type { Inputs, NestedNumbers } from './data/inputs';
export { type LabelRows, type Labels, readLabels, readTargets, requireClasses } from './data/labels';
export { type ExampleStream, type Examples, openData, streamData } from './data/open-data';
export { displayed } from './display/displayed';
export { notebookProgress } from './display/notebook-progress';
export { markdown, numberColumn, type Sheet, type SheetBlock, type SheetColumn } from './display/sheet';
export { type BatchProgress, startCountedWork } from './long-work/counted-work';
export { LONG_WORK_OPTIONS, type LongWork, type RunningWork, requireLongWork, startWork } from './long-work/work';
export { claimVariables } from './model/claim-variables';
export {
  type BatchNormStatistics,
  type FoldableBatchNorm,
  filterAxes,
  foldableBatchNorms,
  foldBatchNorm,
  outputKernel,
} from './model/fold-batch-norm';
export { heldLayers, madeWeights } from './model/held-layers';
export { layerClass } from './model/layer-class';
export { isContainer, leafLayers } from './model/leaf-layers';
export { type NamedWeight, namedWeights, pairWeights } from './model/pair-weights';
export { nearest } from './options/nearest';
export { requireBooleans } from './options/require-booleans';
export { requireKnownOptions } from './options/require-known-options';
export {
  requireCounts,
  requireNotNegative,
  requirePositive,
  requireSeed,
  requireTarget,
} from './options/require-numbers';
export { requireOneOf } from './options/require-one-of';
export { shown } from './options/shown';
export {
  draw,
  type PhiloxAddress,
  philoxAddress,
  philoxBits,
  philoxBlock,
  philoxNormals,
  philoxUniforms,
  type RandomAddress,
  type RandomKind,
} from './random/philox';
export { clippedLog, perExampleCrossEntropy } from './scoring/cross-entropy';
export {
  asClasses,
  type ClassKind,
  classKind,
  OUTPUT_KINDS,
  type OutputKind,
  outputKind,
  outputWidth,
  requireKind,
} from './scoring/output-kind';
export { perExampleLoss } from './scoring/per-example-loss';
export { type Scores, scoreOutputs } from './scoring/score-outputs';
export { type KendallTau, kendallTau } from './statistics/kendall-tau';
export { mean, standardError } from './statistics/mean';
export { drawsFor, type MeanInterval, meanInterval, studentFactor } from './statistics/mean-interval';
export { type RunningMean, runningMean } from './statistics/running-mean';
export { squaredNorm, sumOf } from './statistics/sum';
