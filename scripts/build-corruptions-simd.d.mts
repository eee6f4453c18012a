/** The text of packages/corruptions/src/backends/simd-bytes.ts as the sources make it now. */
export function corruptionsSimdSource(): Promise<string>;
