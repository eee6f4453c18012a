export type { Data, Labels, OutputKind } from '@qgen/core';
export { notebookProgress } from '@qgen/core';
export { type CorruptOptions, corrupt } from './corrupt';
export type { Dialect } from './corruption';
export type { FieldsOf } from './definitions';
export { drawFields } from './fields/draw-fields';
export { cifarCFiles } from './files/cifar-c';
export { type DecodedImage, type ImageFolderOptions, imageNetCFolder } from './files/imagenet-c';
export type { NamedFile } from './files/named-file';
export {
  CORRUPTIONS,
  type CorruptionName,
  type ParametersOf,
  PRESETS,
  type Preset,
  SEVERITIES,
  type Severity,
  VALIDATION_CORRUPTIONS,
} from './options/severities';
export type { ModelLike } from './report/classifier';
export type { CorruptedData, LabelledBatch } from './report/corrupted-data';
export { ALEXNET_CLEAN_ERROR, ALEXNET_ERRORS, type CorruptionError, corruptionErrors } from './report/corruption-error';
export { corruptionReport } from './report/corruption-report';
export type {
  CorruptionReport,
  CorruptionReportData,
  CorruptionResult,
  CorruptionSummary,
  Estimate,
  Gap,
  OverallSummary,
} from './report/report';
export type { CorruptionProgress, CorruptionReportOptions } from './report/report-options';
export type { CorruptionSettings, TextureNote } from './report/settings';
export type { DrawOptions, PerImage } from './settle';
export type { FrostTexture } from './weather/frost/frost-images';
