export type {
  BatchProgress,
  BatchSequence,
  Data,
  DatasetLike,
  InMemoryData,
  Inputs,
  Labels,
  LongWork,
  NestedNumbers,
  OutputKind,
  RandomAccessData,
} from '@qgen/core';
export { type AverageSharpness, type AverageSharpnessOptions, averageSharpness } from './average-sharpness';
export {
  type ComparedModel,
  type CompareModelsOptions,
  type ComparisonProgress,
  compareModels,
  type ModelComparison,
} from './compare-models';
export type { CurvatureOptions } from './curvature/curvature';
export {
  type HessianEigenvalues,
  type HessianEigenvaluesOptions,
  hessianEigenvalues,
} from './curvature/hessian-eigenvalues';
export {
  type HessianSpectralDensity,
  type HessianSpectralDensityOptions,
  hessianSpectralDensity,
} from './curvature/hessian-spectral-density';
export { type HessianTrace, type HessianTraceOptions, hessianTrace } from './curvature/hessian-trace';
export { enableSecondOrder } from './curvature/second-order';
export type { DirectionNormalization } from './filter-normalization';
export type { FlatnessReport, FlatnessSetting, ReportedMeasure, Searches, SearchName } from './flatness-report';
export {
  type Gap,
  type GapOptions,
  type GeneralizationGap,
  generalizationGap,
  type SplitEvaluation,
} from './generalization-gap';
export {
  type LandscapeRow,
  type LossLandscapeOptions,
  type LossLine,
  type LossPlane,
  lossLandscape,
} from './loss-landscape';
export { type FlatnessProgress, type MeasureFlatnessOptions, measureFlatness } from './measure-flatness';
export {
  type Dialect,
  type FormulaOptions,
  MEASURE_IDS,
  type Measure,
  type MeasureId,
  measuresFromScales,
  type Scales,
} from './measures-from-scales';
export { type LayerNorms, NORM_MEASURE_IDS, type NormMeasureId } from './norms/norm-formulas';
export {
  type NormMeasure,
  type NormMeasures,
  type NormMeasuresOptions,
  normMeasures,
  type OfficialPacBayesId,
} from './norms/norm-measures';
export type {
  FunctionModel,
  ModelLike,
  NamedVariable,
  ParameterInfo,
  ParameterRole,
  Scope,
} from './parameters';
export type { QuantizedLayer } from './quantized';
export {
  type ConditionalMutualInformation,
  type ConditionalMutualInformationOptions,
  conditionalMutualInformation,
} from './rank/conditional-mutual-information';
export {
  type GranulatedKendall,
  type GranulatedKendallOptions,
  granulatedKendall,
} from './rank/granulated-kendall';
export { type KendallTau, kendallTau } from './rank/kendall-tau';
export type { Cell, Field, PoolOptions, Setting } from './rank/pool';
export { type RankedMeasure, type RankMeasuresOptions, rankMeasures } from './rank/rank-measures';
export { type SignError, type SignErrorOptions, signError } from './rank/sign-error';
export { type SamSharpness, type SamSharpnessOptions, samSharpness } from './sam-sharpness';
export type { AscentStep } from './search/ascent';
export {
  type AlphaResult,
  type FindAlphaOptions,
  findAlpha,
  type PaperAlphaOptions,
  type SignAlphaOptions,
} from './search/find-alpha';
export { type FastSigmaOptions, type FindSigmaOptions, findSigma, type PaperSigmaOptions } from './search/find-sigma';
export type { SearchProgress, SearchResult, SearchStatus, TracePoint } from './search/result';
export { type SavedParameter, type Snapshot, snapshot } from './snapshot';
export type { MeasuredOn, SubjectOptions, View } from './subject';
export { type Trajectory, trajectory } from './trajectory';
export {
  type Norms,
  type ParameterNorms,
  type WeightNorms,
  type WeightNormsOptions,
  weightNorms,
} from './weight-norms';
