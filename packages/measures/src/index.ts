export type { Data, DatasetLike, InMemoryData, Labels, NestedNumbers, RandomAccessData } from './data';
export {
  type Gap,
  type GapOptions,
  type GeneralizationGap,
  generalizationGap,
  type SplitEvaluation,
} from './generalization-gap';
export {
  type Dialect,
  type FormulaOptions,
  MEASURE_IDS,
  type Measure,
  type MeasureId,
  measuresFromScales,
  type Scales,
} from './measures-from-scales';
export type {
  FunctionModel,
  ModelLike,
  NamedVariable,
  ParameterInfo,
  ParameterRole,
  Scope,
} from './parameters';
export type { QuantizedLayer } from './quantized';
export { type FindSigmaOptions, findSigma } from './search/find-sigma';
export type { SearchProgress, SearchResult, SearchStatus, TracePoint } from './search/result';
export { type SavedParameter, type Snapshot, snapshot } from './snapshot';
export type { SubjectOptions, View } from './subject';
export { type Norms, type ParameterNorms, type WeightNorms, weightNorms } from './weight-norms';
