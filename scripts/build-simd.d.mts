/** The text of packages/kernels/src/simd-bytes.ts as the AssemblyScript sources make it now. */
export function simdSource(): Promise<string>;
