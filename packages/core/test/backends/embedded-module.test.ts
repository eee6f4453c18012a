import { afterEach, expect, it, vi } from 'vitest';
import { embeddedModule, loadEmbeddedModule, wasmBytes } from '../../src/index';

/** `(module (func (export "answer") (result i32) i32.const 42))`, written out by hand. */
const answer = [
  [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  [1, 5, 1, 0x60, 0, 1, 0x7f],
  [3, 2, 1, 0],
  [7, 10, 1, 6, ...new TextEncoder().encode('answer'), 0, 0],
  [10, 6, 1, 4, 0, 0x41, 42, 0x0b],
].flat();
const base64 = btoa(String.fromCharCode(...answer));

interface Answer {
  answer(): number;
}

afterEach(() => vi.unstubAllGlobals());

it('has the bytes that were encoded', () => {
  expect(Array.from(wasmBytes(base64))).toEqual(answer);
});

it('gives the exports, at once or awaited', async () => {
  expect(embeddedModule<Answer>(wasmBytes(base64))?.answer()).toBe(42);
  expect((await loadEmbeddedModule<Answer>(wasmBytes(base64)))?.answer()).toBe(42);
});

it('is null where WebAssembly does not take the module or is refused', async () => {
  const broken = wasmBytes(base64).subarray(0, 20);
  expect([embeddedModule(broken), await loadEmbeddedModule(broken)]).toEqual([null, null]);
  vi.stubGlobal('WebAssembly', undefined);
  expect([embeddedModule(wasmBytes(base64)), await loadEmbeddedModule(wasmBytes(base64))]).toEqual([null, null]);
});
