// AssemblyScript: what the wasm SIMD module exports. `node scripts/build-corruptions-simd.mjs` compiles it into
// ../simd-bytes.ts. The module has a memory of its own, which ../simd-module.ts parts among the arrays of a call.
export { addNoise } from './noise';
export { codePlane } from './jpeg';
export { displaced, warped } from './remap';
export { levelsOfDoubles, levelsOfFloats, levelsOfIntegers, paddedLevels, pixelsOfLevels } from './convert';
export { weightedRay } from './ray';
export { smoothed } from './smooth';
export { addZoomed, meanLevels } from './zoom';

export function heapBase(): usize {
  return __heap_base;
}
