/** The text of packages/kernels/src/backends/simd-bytes.ts as the AssemblyScript sources make it now. */
export function simdSource(): Promise<string>;
