/** The text of packages/`name`/src/backends/simd-binary.ts as the AssemblyScript sources make it now. */
export function simdBinary(name: 'kernels' | 'corruptions'): Promise<string>;
