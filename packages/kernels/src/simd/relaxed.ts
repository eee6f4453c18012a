// AssemblyScript: what the relaxed SIMD module exports, the functions of ./index that multiply-adds bound. Compiled with
// relaxed SIMD, `madd` is fused there.
export { convolution } from './convolution';
export { filterGradient } from './filter-gradient';
export { matMul } from './mat-mul';
