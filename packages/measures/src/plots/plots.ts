export type { PictureOptions } from '@qgen/core/plot';
export { plotAscent } from './plot-ascent';
export { plotLandscape } from './plot-landscape';
export { type PlotRanksOptions, plotRanks } from './plot-ranks';
export { plotSearch } from './plot-search';
export { plotSpectralDensity } from './plot-spectral-density';
