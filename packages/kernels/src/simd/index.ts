// AssemblyScript: what the wasm SIMD module exports. `node scripts/build-simd.mjs` compiles it into ../backends/simd-binary.ts.
export { addAndClamp } from './add-and-clamp';
export { correlate } from './correlate';
export { depthwiseFilterGradient } from './depthwise-filter-gradient';
export { fakeQuantBackward, fakeQuantForward } from './fake-quant';
export { filterGradient } from './filter-gradient';
export { gelu, geluBackward } from './gelu';
export { layerNormalization, layerNormalizationBackward } from './layer-normalization';
export { matMul } from './mat-mul';
export { maxPoolGradient } from './max-pool-gradient';
export { normalize } from './normalize';
export { placePixels } from './place-pixels';
export { random } from './random';
export { sum } from './sum';
