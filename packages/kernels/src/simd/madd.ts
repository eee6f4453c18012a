// AssemblyScript. The multiply-add of products and convolutions, by which the plain and the relaxed module differ.

/** x · y + sum; rounded once where the module has relaxed SIMD and the processor fused multiply-adds, else twice. */
// @ts-ignore: decorator
@inline
export function madd(x: v128, y: v128, sum: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(x, y, sum) : f32x4.add(sum, f32x4.mul(x, y));
}
