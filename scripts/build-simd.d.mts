/** The text of the file that holds a module, as the AssemblyScript sources make it now. */
export function simdBinary(name: 'kernels' | 'kernels, relaxed' | 'corruptions'): Promise<string>;
