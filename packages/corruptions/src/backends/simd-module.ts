import { embeddedModule, wasmBytes } from '@qgen/core';
import { type SimdExports, simdBinary } from './simd-binary';

type Numbers = Uint8Array | Int8Array | Uint16Array | Int32Array | Float32Array | Float64Array;

type NumbersConstructor<T extends Numbers> = new (buffer: ArrayBuffer, at: number, n: number) => T;

/** The SIMD kernels and their memory, which is parted anew from `reset` on. */
export interface Simd {
  readonly kernels: SimdExports;
  /** Frees all that was allocated; errors name `caller` from now on. */
  reset(caller: string): void;
  /** The address of so many bytes, and 64 more that a kernel may run over. */
  allocate(bytes: number): number;
  /** The address of a copy. */
  copy(values: Numbers): number;
  /** A copy of n bytes. */
  bytes(address: number, n: number): Uint8Array;
  /** n numbers in the memory itself: the next allocation can make the view stale. */
  view<T extends Numbers>(kind: NumbersConstructor<T>, address: number, n: number): T;
}

const PAGE = 65536;
const SLACK = 64;

let instance: Simd | null | undefined;

/** The SIMD module, or undefined where it can't be had: no SIMD, or WebAssembly refused on this thread. */
export function simdModule(): Simd | undefined {
  if (instance === undefined) {
    const kernels = embeddedModule<SimdExports>(wasmBytes(simdBinary));
    instance = kernels && simdOf(kernels);
  }
  return instance ?? undefined;
}

function simdOf(kernels: SimdExports): Simd {
  const { memory } = kernels;
  const base = (kernels.heapBase() + 15) & ~15;
  let next = base;
  let caller = '';
  const allocate = (bytes: number) => {
    const address = next;
    next = 16 * Math.ceil((next + bytes + SLACK) / 16);
    const missing = next - memory.buffer.byteLength;
    if (missing > 0) grow(caller, memory, missing);
    return address;
  };
  const view: Simd['view'] = (kind, address, n) => new kind(memory.buffer, address, n);
  return {
    kernels,
    reset: (on) => {
      caller = on;
      next = base;
    },
    allocate,
    view,
    copy: (values) => {
      const address = allocate(values.byteLength);
      const { buffer, byteOffset, byteLength } = values;
      view(Uint8Array, address, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength));
      return address;
    },
    bytes: (address, n) => view(Uint8Array, address, n).slice(),
  };
}

function grow(caller: string, memory: WebAssembly.Memory, bytes: number): void {
  try {
    memory.grow(Math.ceil(bytes / PAGE));
  } catch {
    const gigabytes = ((memory.buffer.byteLength + bytes) / 2 ** 30).toFixed(1);
    throw new RangeError(
      `${caller}: an image of this size takes ${gigabytes} GiB of WebAssembly's 4; the cpu backend has no such limit`,
    );
  }
}

/** What `compute` makes for `caller` in the module's memory, which is empty for it; undefined where there is no module. */
export function bySimd<T>(caller: string, compute: (simd: Simd) => T): T | undefined {
  const simd = simdModule();
  simd?.reset(caller);
  return simd && compute(simd);
}

/** An array as float32; itself where it is one. */
export const float32 = (values: ArrayLike<number>) =>
  values instanceof Float32Array ? values : Float32Array.from(values);
