export type { PictureOptions } from '@qgen/core/plot';
export { plotStepSizes } from './plot-step-sizes';
export { plotWeights } from './plot-weights';
