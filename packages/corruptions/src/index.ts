export { type CorruptOptions, corrupt } from './corrupt';
export type { Dialect } from './corruption';
export type { FieldsOf } from './definitions';
export { type DrawOptions, drawFields } from './draw-fields';
export {
  CORRUPTIONS,
  type CorruptionName,
  PRESETS,
  type Preset,
  SEVERITIES,
  type Severity,
  VALIDATION_CORRUPTIONS,
} from './severities';
