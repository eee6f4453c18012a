/** The exports of ./simd. */
export interface Simd {
  readonly memory: WebAssembly.Memory;
}
export function simdModule(): Simd | undefined {
  return undefined;
}
