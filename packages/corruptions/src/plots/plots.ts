export type { PictureOptions } from '@qgen/core/plot';
export { plotCorruptions } from './plot-corruptions';
