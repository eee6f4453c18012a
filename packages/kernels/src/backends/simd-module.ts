import { memoryLimitsAt, simdBytes } from './simd-bytes';
import type { WasmBackend } from './wasm-backend';

/** What the module of ./simd exports; pointers and counts are unsigned 32-bit integers. */
export interface SimdModule {
  addAndClamp(c: number, bias: number, rows: number, columns: number, low: number, high: number): void;
  fakeQuantForward(
    x: number,
    step: number,
    y: number,
    outer: number,
    channels: number,
    inner: number,
    qn: number,
    qp: number,
  ): void;
  fakeQuantBackward(
    dy: number,
    x: number,
    step: number,
    dx: number,
    dStep: number,
    sums: number,
    outer: number,
    channels: number,
    inner: number,
    qn: number,
    qp: number,
    low: number,
    high: number,
    gradientScale: number,
  ): void;
  random(
    kind: number,
    out: number,
    n: number,
    skip: number,
    scratch: number,
    key0: number,
    key1: number,
    stream0: number,
    stream1: number,
    blockLow: number,
    blockHigh: number,
    scale: number,
    shift: number,
  ): void;
  filterGradient(
    x: number,
    dy: number,
    dw: number,
    batch: number,
    inHeight: number,
    inWidth: number,
    inChannels: number,
    run: number,
    outHeight: number,
    outWidth: number,
    outChannels: number,
    filterHeight: number,
    filterWidth: number,
    strideHeight: number,
    strideWidth: number,
    dilationHeight: number,
    dilationWidth: number,
    top: number,
    left: number,
  ): void;
  correlate(
    x: number,
    panels: number,
    out: number,
    zeros: number,
    batch: number,
    inHeight: number,
    inWidth: number,
    inChannels: number,
    outHeight: number,
    outWidth: number,
    outChannels: number,
    filterHeight: number,
    filterWidth: number,
    dilationHeight: number,
    dilationWidth: number,
    top: number,
    left: number,
  ): void;
  depthwiseFilterGradient(
    x: number,
    dy: number,
    dw: number,
    batch: number,
    inHeight: number,
    inWidth: number,
    channels: number,
    outHeight: number,
    outWidth: number,
    filterHeight: number,
    filterWidth: number,
    strideHeight: number,
    strideWidth: number,
    dilationHeight: number,
    dilationWidth: number,
    top: number,
    left: number,
  ): void;
  maxPoolGradient(
    x: number,
    dy: number,
    dx: number,
    batch: number,
    inHeight: number,
    inWidth: number,
    channels: number,
    outHeight: number,
    outWidth: number,
    filterHeight: number,
    filterWidth: number,
    strideHeight: number,
    strideWidth: number,
    top: number,
    left: number,
  ): void;
  gelu(x: number, y: number, n: number): void;
  geluBackward(dy: number, x: number, dx: number, n: number): void;
  layerNormalization(
    x: number,
    scale: number,
    offset: number,
    y: number,
    rows: number,
    columns: number,
    epsilon: number,
  ): void;
  layerNormalizationBackward(
    dy: number,
    x: number,
    scale: number,
    dx: number,
    dScale: number,
    dOffset: number,
    scratch: number,
    rows: number,
    columns: number,
    epsilon: number,
  ): void;
  matMul(
    a: number,
    b: number,
    c: number,
    panels: number,
    batch: number,
    aBatch: number,
    bBatch: number,
    m: number,
    n: number,
    k: number,
    transposeA: number,
    transposeB: number,
    few: number,
  ): void;
  normalize(x: number, mean: number, factor: number, offset: number, y: number, rows: number, columns: number): void;
  placePixels(
    from: number,
    to: number,
    batch: number,
    rows: number,
    columns: number,
    channels: number,
    fromImage: number,
    fromRow: number,
    toImage: number,
    toRow: number,
    toColumn: number,
  ): void;
  sum(x: number, out: number, totals: number, outer: number, rows: number, columns: number, scale: number): void;
}

/** What emscripten's module object, `backend.wasm`, says of its memory: exported, or imported where it is shared. */
interface Emscripten {
  readonly asm?: { readonly memory?: WebAssembly.Memory };
  readonly wasmMemory?: WebAssembly.Memory;
}

/** One instance a memory; null where the machine or the page's security policy refused it. */
const instances = new WeakMap<WebAssembly.Memory, SimdModule | null>();

function memoryOf(backend: WasmBackend): WebAssembly.Memory | undefined {
  const { wasm } = backend as WasmBackend & { readonly wasm?: Emscripten | null };
  return wasm?.wasmMemory ?? wasm?.asm?.memory;
}

/** The module's bytes, importing a shared memory where tfjs-backend-wasm runs with threads. */
function bytesFor(memory: WebAssembly.Memory): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(simdBytes), (character) => character.charCodeAt(0));
  const shared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
  if (shared) bytes[memoryLimitsAt] = 3;
  return bytes;
}

/**
 * The SIMD kernels over the backend's own memory, or undefined where they can't be had: no SIMD, or WebAssembly refused.
 * Compiles on the first call for a memory; on browsers that refuse to compile this much on the main thread, only
 * `loadSimd` succeeds.
 */
export function simdModule(backend: WasmBackend): SimdModule | undefined {
  const memory = memoryOf(backend);
  return memory && simdModuleOver(memory);
}

/** As `simdModule`, over any memory, whose maximum must be that of tfjs-backend-wasm: 32,768 pages. */
export function simdModuleOver(memory: WebAssembly.Memory): SimdModule | undefined {
  let instance = instances.get(memory);
  if (instance === undefined) {
    try {
      const module = new WebAssembly.Module(bytesFor(memory));
      instance = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as SimdModule;
    } catch {
      instance = null;
    }
    instances.set(memory, instance);
  }
  return instance ?? undefined;
}

/** As `simdModule`, compiled off the main thread. Never rejects: without the module the kernels run as plain loops. */
export async function loadSimd(backend: WasmBackend): Promise<void> {
  const memory = memoryOf(backend);
  if (!memory || instances.get(memory)) return;
  try {
    const { instance } = await WebAssembly.instantiate(bytesFor(memory), { env: { memory } });
    instances.set(memory, instance.exports as unknown as SimdModule);
  } catch {
    instances.set(memory, null);
  }
}
