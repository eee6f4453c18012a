// AssemblyScript: what the wasm SIMD module exports. `node scripts/build-corruptions-simd.mjs` compiles it into
// ../simd-bytes.ts. The module has a memory of its own, which ../simd-module.ts parts among the arrays of a call.
export {
  doublesOfFloats,
  doublesOfLevels,
  floatsOfDoubles,
  levelsOfDoubles,
  levelsOfFloats,
  levelsOfIntegers,
  paddedLevels,
  pixelsOfLevels,
} from './convert';
export { glassOffsets, shuffle } from './glass';
export { codePlane } from './jpeg';
export { halved, toRgb, toYCbCr } from './jpeg-color';
export { blend, channelSums, looked, snowed, veil } from './light';
export { addNoise, flip, impulseMask, photons } from './noise';
export { averaged, enlarged } from './pixelate';
export { plasma } from './plasma';
export { weightedRay } from './ray';
export { displaced, warped } from './remap';
export { smoothed } from './smooth';
export { flakeLayer } from './snow';
export { addZoomed, meanLevels } from './zoom';

export function heapBase(): usize {
  return __heap_base;
}
