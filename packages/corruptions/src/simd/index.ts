// AssemblyScript: what the wasm SIMD module exports. `node scripts/build-simd.mjs` compiles it into
// ../backends/simd-binary.ts. The module has a memory of its own, which ../backends/simd-module.ts parts among the arrays of a call.
export {
  floatsOfLevels,
  integersOfLevels,
  levelsOfFloats,
  levelsOfIntegers,
  pixelsOfLevels,
  unitsOfLevels,
} from './convert';
export { diskBlurred } from './disk';
export { glassOffsets, shuffle } from './glass';
export { editHsv } from './hsv';
export { codePlane } from './jpeg';
export { halved, toRgb, toYCbCr } from './jpeg-color';
export { blend, brightest, channelSums, applyTables, addFog } from './light';
export { cutOff, cutOffFloats, exceeding, waterMask } from './liquid';
export { matMul } from './mat-mul';
export { addNoise, counted, flip, impulseMask, poissonNoise } from './noise';
export { averagedColumns, averagedRows, enlarged } from './pixelate';
export { plasma } from './plasma';
export { bordered, correlatedInDoubles, correlatedInFloats } from './correlate';
export { displaced, warped } from './remap';
export { loadDoubles, smoothed, storeDoubles } from './smooth';
export { flakeLayer, snowed, weightedNoise } from './snow';
export { spattered } from './spatter';
export { zoomedMean } from './zoom';

export function heapBase(): usize {
  return __heap_base;
}
