import { embeddedModule, loadEmbeddedModule, wasmBytes } from '@qgen/core';
import { memoryLimitsAt, type SimdExports, simdBinary } from './simd-binary';
import type { WasmBackend } from './wasm-backend';

/** What emscripten's module object, `backend.wasm`, says of its memory: exported, or imported where it is shared. */
interface Emscripten {
  readonly asm?: { readonly memory?: WebAssembly.Memory };
  readonly wasmMemory?: WebAssembly.Memory;
}

/** One instance a memory; null where the machine or the page's security policy refused it. */
const instances = new WeakMap<WebAssembly.Memory, SimdExports | null>();

function memoryOf(backend: WasmBackend): WebAssembly.Memory | undefined {
  const { wasm } = backend as WasmBackend & { readonly wasm?: Emscripten | null };
  return wasm?.wasmMemory ?? wasm?.asm?.memory;
}

/** The module's bytes, importing a shared memory where tfjs-backend-wasm runs with threads. */
function bytesFor(memory: WebAssembly.Memory): Uint8Array<ArrayBuffer> {
  const bytes = wasmBytes(simdBinary);
  const shared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
  if (shared) bytes[memoryLimitsAt] = 3;
  return bytes;
}

/**
 * The SIMD kernels over the backend's own memory, or undefined where they can't be had: no SIMD, or WebAssembly refused.
 * Compiles on the first call for a memory; on browsers that refuse to compile this much on the main thread, only
 * `loadSimd` succeeds.
 */
export function simdModule(backend: WasmBackend): SimdExports | undefined {
  const memory = memoryOf(backend);
  return memory && simdModuleOver(memory);
}

/** As `simdModule`, over any memory, whose maximum must be that of tfjs-backend-wasm: 32,768 pages. */
export function simdModuleOver(memory: WebAssembly.Memory): SimdExports | undefined {
  let instance = instances.get(memory);
  if (instance === undefined) {
    instance = embeddedModule<SimdExports>(bytesFor(memory), { env: { memory } });
    instances.set(memory, instance);
  }
  return instance ?? undefined;
}

/** As `simdModule`, compiled off the main thread. Never rejects: without the module the kernels run as plain loops. */
export async function loadSimd(backend: WasmBackend): Promise<void> {
  const memory = memoryOf(backend);
  if (!memory || instances.get(memory)) return;
  instances.set(memory, await loadEmbeddedModule<SimdExports>(bytesFor(memory), { env: { memory } }));
}
