// AssemblyScript: what the wasm SIMD module exports. `node scripts/build-simd.mjs` compiles it into
// ../backends/simd-binary.ts. A file here is the SIMD body of the file of the same name under ../. The module has a memory of
// its own, which ../backends/simd-module.ts parts among the arrays of a call.
export { diskBlurred } from './blur/defocus-blur';
export { glassOffsets, shuffle } from './blur/glass-blur';
export { zoomedMean } from './blur/zoom-blur';
export { applyTables, channelSums } from './digital/contrast';
export { displaced } from './digital/elastic-transform';
export { codePlane } from './digital/jpeg/blocks';
export { halved, toRgb, toYCbCr } from './digital/jpeg/color';
export { averagedColumns, averagedRows, enlarged } from './digital/pixelate';
export { warped } from './filters/affine';
export { bordered, correlatedInDoubles, correlatedInFloats } from './filters/correlate';
export { loadDoubles, smoothed, storeDoubles } from './filters/gaussian-filter';
export { editHsv } from './filters/hsv';
export { matMul } from './filters/mat-mul';
export {
  floatsOfLevels,
  integersOfLevels,
  levelsOfFloats,
  levelsOfIntegers,
  pixelsOfLevels,
  unitsOfLevels,
} from './images/levels';
export { addNoise } from './noise/gaussian-noise';
export { flip, impulseMask } from './noise/impulse-noise';
export { counted, poissonNoise } from './noise/shot-noise';
export { addFog, brightest } from './weather/fog';
export { blend } from './weather/frost';
export { plasma } from './weather/plasma';
export { flakeLayer, snowed, weightedNoise } from './weather/snow';
export { spattered } from './weather/spatter';
export { cutOff, cutOffFloats, exceeding, waterMask } from './weather/spatter/mask';

export function heapBase(): usize {
  return __heap_base;
}
