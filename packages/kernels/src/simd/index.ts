// AssemblyScript: what the wasm SIMD module exports. `node scripts/build-simd.mjs` compiles it into
// ../backends/simd-binary.ts. A file here is the SIMD body of the file of the same name in ../fake-quant, ../random or
// ../training; lanes, madd, mat-mul-tile, mat-mul-few-rows and philox are parts of them.
export { batchNorm } from './batch-norm';
export { batchNormBackward, columnMoments } from './batch-norm-training';
export { broadcast } from './broadcast';
export { convolution } from './convolution';
export { depthwiseFilterGradient } from './depthwise-gradients';
export { fakeQuantBackward, fakeQuantForward } from './fake-quant';
export { filterGradient } from './filter-gradient';
export { gelu, geluBackward } from './gelu';
export { layerNormalization, layerNormalizationBackward } from './layer-normalization';
export { addAndClamp, matMul } from './mat-mul';
export { pack } from './mat-mul-tile';
export { maxPoolGradient } from './max-pool-gradient';
export { adam, momentum } from './optimizers';
export { placePixels } from './place-pixels';
export { random } from './random';
export { reluBackward } from './relu-gradient';
export { sum } from './sum';
