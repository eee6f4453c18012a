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
export { type KendallTau, kendallTau, notebookProgress } from '@qgen/core';
export {
  type ComparedModel,
  type CompareModelsOptions,
  type ComparisonProgress,
  compareModels,
  type ModelComparison,
} from './comparison/compare-models';
export {
  type Gap,
  type GapOptions,
  type GeneralizationGap,
  generalizationGap,
  type SplitEvaluation,
} from './comparison/generalization-gap';
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
export { type AverageSharpness, type AverageSharpnessOptions, averageSharpness } from './flatness/average-sharpness';
export type {
  FlatnessReport,
  FlatnessSetting,
  ReportedMeasure,
  Searches,
  SearchName,
} from './flatness/flatness-report';
export { type FlatnessProgress, type MeasureFlatnessOptions, measureFlatness } from './flatness/measure-flatness';
export { type SamSharpness, type SamSharpnessOptions, samSharpness } from './flatness/sam-sharpness';
export {
  type Dialect,
  type FormulaOptions,
  MEASURE_IDS,
  type Measure,
  type MeasureId,
  measuresFromScales,
  type Scales,
} from './formulas/measures-from-scales';
export type { DirectionNormalization } from './landscape/filter-normalization';
export {
  type LandscapeRow,
  type LossLandscapeOptions,
  type LossLine,
  type LossPlane,
  lossLandscape,
} from './landscape/loss-landscape';
export { type Trajectory, trajectory } from './landscape/trajectory';
export { type LayerNorms, NORM_MEASURE_IDS, type NormMeasureId } from './norms/norm-formulas';
export {
  type NormMeasure,
  type NormMeasures,
  type NormMeasuresOptions,
  normMeasures,
} from './norms/norm-measures';
export {
  type Norms,
  type ParameterNorms,
  type WeightNorms,
  type WeightNormsOptions,
  weightNorms,
} from './norms/weight-norms';
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
export type { Cell, Field, PoolOptions, Setting } from './rank/pool';
export { type RankedMeasure, type RankMeasuresOptions, rankMeasures } from './rank/rank-measures';
export { type SignError, type SignErrorOptions, signError } from './rank/sign-error';
export type { FindAlphaOptions, PaperAlphaOptions, SignAlphaOptions } from './search/alpha/alpha-options';
export type { AscentStep } from './search/alpha/ascent';
export { type AlphaResult, findAlpha } from './search/alpha/find-alpha';
export type { SearchProgress, SearchResult, SearchStatus, TracePoint } from './search/result';
export { findSigma } from './search/sigma/find-sigma';
export type { FastSigmaOptions, FindSigmaOptions, PaperSigmaOptions } from './search/sigma/sigma-options';
export type { MeasuredOn, OpenModelOptions, View } from './subject/options';
export type {
  FunctionModel,
  ModelLike,
  NamedVariable,
  ParameterInfo,
  ParameterRole,
  Scope,
} from './subject/parameters';
export type { QuantizedLayer } from './subject/quantized';
export { type SavedParameter, type Snapshot, snapshot } from './subject/snapshot';
