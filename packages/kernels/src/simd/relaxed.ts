// AssemblyScript: what the relaxed SIMD module exports, the functions of ./index that multiply-adds bound. Compiled with
// relaxed SIMD, `madd` is fused there.
export { correlate, filterGradient } from './conv-gradients';
export { matMul } from './mat-mul';
