import { embeddedModule, loadEmbeddedModule, wasmBytes } from '@qgen/core';
import { type RelaxedSimdExports, relaxedMemoryLimitsAt, relaxedSimdBinary } from './relaxed-simd-binary';
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

/** Whether tfjs-backend-wasm runs with threads. */
export function hasThreads(backend: WasmBackend): boolean {
  const memory = memoryOf(backend);
  return memory !== undefined && isShared(memory);
}

/** A module's bytes, importing a shared memory where tfjs-backend-wasm runs with threads. */
function bytesFor(memory: WebAssembly.Memory, binary: string, limitsAt: number): Uint8Array<ArrayBuffer> {
  const bytes = wasmBytes(binary);
  if (isShared(memory)) bytes[limitsAt] = 3;
  return bytes;
}

const isShared = (memory: WebAssembly.Memory): boolean =>
  typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;

/** The bytes of the module that serves every machine with SIMD and, where relaxed SIMD runs too, of the one that adds to it. */
function modulesFor(memory: WebAssembly.Memory): [plain: Uint8Array<ArrayBuffer>, relaxed?: Uint8Array<ArrayBuffer>] {
  const plain = bytesFor(memory, simdBinary, memoryLimitsAt);
  const relaxed = bytesFor(memory, relaxedSimdBinary, relaxedMemoryLimitsAt);
  return WebAssembly.validate(relaxed) ? [plain, relaxed] : [plain];
}

/** The functions of both modules; those of the relaxed one take the place of the plain ones. */
const together = (plain: SimdExports | null, relaxed?: RelaxedSimdExports | null): SimdExports | null =>
  plain && relaxed ? { ...plain, ...relaxed } : plain;

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
    const [plain, relaxed] = modulesFor(memory);
    const imports = { env: { memory } };
    instance = together(
      embeddedModule<SimdExports>(plain, imports),
      relaxed && embeddedModule<RelaxedSimdExports>(relaxed, imports),
    );
    instances.set(memory, instance);
  }
  return instance ?? undefined;
}

/** As `simdModule`, compiled off the main thread. Never rejects: without the module the kernels run as plain loops. */
export async function loadSimd(backend: WasmBackend): Promise<void> {
  const memory = memoryOf(backend);
  if (!memory || instances.get(memory)) return;
  const imports = { env: { memory } };
  const [plain, relaxed] = modulesFor(memory);
  instances.set(
    memory,
    together(
      await loadEmbeddedModule<SimdExports>(plain, imports),
      relaxed && (await loadEmbeddedModule<RelaxedSimdExports>(relaxed, imports)),
    ),
  );
}
