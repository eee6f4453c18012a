import { wasmBytes } from '@qgen/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { simdBinary as compiled } from '../../../../scripts/build-simd.mjs';
import { simdBinary } from '../../src/backends/simd-binary';

describe('the embedded SIMD module', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it('is what the sources compile to, its bytes and its types', { timeout: 120_000 }, async () => {
    const { readFile } = await import('node:fs/promises');
    const committed = await readFile(`${__ROOT__}/packages/corruptions/src/backends/simd-binary.ts`, 'utf8');
    expect(await compiled('corruptions')).toBe(committed);
  });

  it('imports nothing', () => {
    expect(WebAssembly.Module.imports(new WebAssembly.Module(wasmBytes(simdBinary)))).toEqual([]);
  });

  it('gives way where WebAssembly is refused', async () => {
    vi.resetModules();
    vi.stubGlobal('WebAssembly', {
      Module: () => {
        throw new Error('refused');
      },
    });
    const { simdModule } = await import('../../src/backends/simd-module');
    expect(simdModule()).toBeUndefined();
  });

  it('grows its memory with what is asked for, and starts anew after a reset', async () => {
    const { simdModule } = await import('../../src/backends/simd-module');
    const simd = simdModule()!;
    simd.reset('corrupt');
    const first = simd.copy(Uint8Array.of(1, 2, 3));
    const far = simd.allocate(3e6);
    const last = simd.copy(Uint8Array.of(4));
    expect(far).toBeGreaterThan(first);
    expect(last).toBeGreaterThan(far + 3e6);
    expect([Array.from(simd.bytes(first, 3)), Array.from(simd.bytes(last, 1))]).toEqual([[1, 2, 3], [4]]);
    simd.reset('corrupt');
    expect(simd.allocate(1)).toBe(first);
  });

  it('tells what it takes where that is more than WebAssembly has, and goes on after a reset', async () => {
    const { simdModule } = await import('../../src/backends/simd-module');
    const simd = simdModule()!;
    simd.reset('corrupt');
    expect(() => simd.allocate(5 * 2 ** 30)).toThrow(
      /^corrupt: an image of this size takes 5\.0 GiB of WebAssembly's 4; /,
    );
    simd.reset('corrupt');
    expect(Array.from(simd.bytes(simd.copy(Uint8Array.of(7)), 1))).toEqual([7]);
  });
});
