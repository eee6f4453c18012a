import '@tensorflow/tfjs-backend-wasm';
import { philoxBits, philoxNormals, wasmBytes } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { simdBinary as compiled } from '../../../../scripts/build-simd.mjs';
import { relaxedSimdBinary } from '../../src/backends/relaxed-simd-binary';
import { simdBinary } from '../../src/backends/simd-binary';
import { loadSimd, simdModule, simdModuleOver } from '../../src/backends/simd-module';
import type { WasmBackend } from '../../src/backends/wasm-backend';
import { fakeQuantBackward, fakeQuantForward, randomBits, registerKernels } from '../../src/index';

const wasm = () => tf.backend() as unknown as WasmBackend;

/** A new wasm backend with a memory of its own. */
async function recreate(): Promise<void> {
  const factory = tf.findBackendFactory('wasm');
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', factory, 2);
  await tf.setBackend('wasm');
  await tf.ready();
}

/** Values, gradients and bits that the kernels make now. */
function results(): unknown {
  return tf.tidy(() => {
    const x = tf.tensor2d(philoxNormals(60, { seed: 1 }), [20, 3]);
    const step = tf.tensor2d([0.1, -0.2, 0.3], [1, 3]);
    const attributes = { qn: -4, qp: 3, axis: 1 };
    const { dx, dStep } = fakeQuantBackward(tf.onesLike(x), x, step, attributes);
    const y = fakeQuantForward(x, step, attributes);
    return [y, dx, dStep, randomBits([70], { seed: 5, offset: 3 })].map((tensor) => Array.from(tensor.dataSync()));
  });
}

beforeAll(async () => {
  await tf.setBackend('wasm');
  await tf.ready();
});

const modules = [
  { name: 'kernels', file: 'simd-binary.ts', binary: simdBinary },
  { name: 'kernels, relaxed', file: 'relaxed-simd-binary.ts', binary: relaxedSimdBinary },
] as const;
const relaxedRuns = WebAssembly.validate(wasmBytes(relaxedSimdBinary));

describe.each(modules)('the embedded module of $file', ({ name, file, binary }) => {
  it('is what the sources compile to, its bytes and its types', async () => {
    const { readFile } = await import('node:fs/promises');
    const committed = await readFile(`${__ROOT__}/packages/kernels/src/backends/${file}`, 'utf8');
    expect(await compiled(name)).toBe(committed);
  }, 60_000);

  it.runIf(binary === simdBinary || relaxedRuns)('holds no data and no memory of its own', () => {
    const module = new WebAssembly.Module(wasmBytes(binary));
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
    expect(WebAssembly.Module.exports(module).every(({ kind }) => kind === 'function')).toBe(true);
  });
});

describe('the embedded modules', () => {
  it('together export what the plain one does; the relaxed one has only some of it', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
    const ours = simdModuleOver(memory)!;
    const namesOf = (binary: string) =>
      WebAssembly.Module.exports(new WebAssembly.Module(wasmBytes(binary))).map(({ name }) => name);
    expect(Object.keys(ours).sort()).toEqual(namesOf(simdBinary).sort());
    if (relaxedRuns) expect(Object.keys(ours)).toEqual(expect.arrayContaining(namesOf(relaxedSimdBinary)));
  });

  it('are both compiled where relaxed SIMD runs, else the plain one alone', async () => {
    const compile = vi.spyOn(WebAssembly, 'instantiate');
    const compiledOn = async (runs: boolean) => {
      vi.spyOn(WebAssembly, 'validate').mockReturnValueOnce(runs);
      compile.mockClear();
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
      await loadSimd({ wasm: { asm: { memory } } } as unknown as WasmBackend);
      return compile.mock.calls.map(([bytes]) => (bytes as Uint8Array).length);
    };
    const [plain, relaxed] = [simdBinary, relaxedSimdBinary].map((binary) => wasmBytes(binary).length);
    expect(await compiledOn(true)).toEqual([plain, relaxed]);
    expect(await compiledOn(false)).toEqual([plain]);
    vi.restoreAllMocks();
  });

  it('multiply and add with one rounding or with two', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
    // (1 + 2^-12)^2 - 1 - 2^-11 is 2^-24; the product alone rounds to 1 + 2^-11.
    const [a, b] = [
      [1, 1 + 2 ** -12],
      [-1 - 2 ** -11, 1 + 2 ** -12],
    ] as const;
    const values = new Float32Array(memory.buffer);
    values.set(a, 0);
    values.set(b, 4);
    simdModuleOver(memory)!.matMul(0, 16, 32, 64, 1, 0, 0, 1, 1, 2, 0, 0, 0);
    expect(relaxedRuns ? [0, 2 ** -24] : [0]).toContain(values[8]);
  });

  it('runs over a shared memory, which tfjs has where it runs with threads', () => {
    const wasmMemory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
    const simd = simdModule({ wasm: { wasmMemory } } as unknown as WasmBackend)!;
    simd.random(0, 1024, 32, 0, 0, 9, 0, 0, 0, 0, 0, 1, 0);
    expect(new Int32Array(wasmMemory.buffer, 1024, 32).slice()).toEqual(philoxBits(32, { seed: 9 }));
  });

  it('writes nothing outside its outputs', () => {
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 65536 });
    const simd = simdModule({ wasm: { asm: { memory } } } as unknown as WasmBackend)!;
    const bytes = new Uint8Array(memory.buffer).fill(7);
    const untouched = (from: number, to: number) => bytes.subarray(from, to).every((byte) => byte === 7);
    expect(untouched(0, bytes.length)).toBe(true);
    simd.random(2, 4096, 103, 3, 1024, 1, 0, 0, 0, 0, 0, 1, 0);
    expect([untouched(0, 1024), untouched(1024 + 352, 4096), untouched(4096 + 412, bytes.length)]).toEqual([
      true,
      true,
      true,
    ]);
    bytes.fill(0, 4096, 4096 + 412).fill(7, 4096 + 412);
    simd.fakeQuantForward(4096, 4096, 8192, 1, 1, 101, -2, 1);
    expect([untouched(4096 + 412, 8192), untouched(8192 + 404, bytes.length)]).toEqual([true, true]);
    simd.fakeQuantBackward(4096, 4096, 4096, 16384, 20480, 24576, 1, 7, 13, -2, 1, -2, 1, 1);
    expect([untouched(16384 + 364, 20480), untouched(20480 + 28, 24576), untouched(24576 + 56, bytes.length)]).toEqual([
      true,
      true,
      true,
    ]);
  });
});

describe('the kernels on wasm', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('survive the growth of the heap', () => {
    const before = results();
    const memory = (wasm() as unknown as { wasm: { asm: { memory: WebAssembly.Memory } } }).wasm.asm.memory;
    const { buffer } = memory;
    const large = tf.zeros([2 ** 25]);
    expect(memory.buffer).not.toBe(buffer);
    expect(results()).toEqual(before);
    large.dispose();
  });

  it('survive the removal and re-creation of the backend', async () => {
    const before = results();
    const first = simdModule(wasm());
    await recreate();
    expect(results()).toEqual(before);
    expect(simdModule(wasm())).toBeDefined();
    expect(simdModule(wasm())).not.toBe(first);
  });

  it('work the same where WebAssembly refuses the module', async () => {
    const before = results();
    await recreate();
    const refuse = () => {
      throw new EvalError('refused by the content security policy');
    };
    vi.stubGlobal('WebAssembly', { ...WebAssembly, Module: refuse, instantiate: async () => refuse() });
    expect(simdModule(wasm())).toBeUndefined();
    const [y, dx, dStep, bits] = results() as number[][];
    const [y0, dx0, dStep0, bits0] = before as number[][];
    expect([y, dx, bits]).toEqual([y0, dx0, bits0]);
    dStep.forEach((value, c) => {
      expect(value).toBeCloseTo(dStep0[c], 5);
    });
    await registerKernels();
    expect(simdModule(wasm())).toBeUndefined();
    vi.unstubAllGlobals();
    await registerKernels();
    expect(simdModule(wasm())).toBeDefined();
  });

  it('come with registerKernels where the main thread may not compile', async () => {
    await recreate();
    const refuse = () => {
      throw new RangeError('WebAssembly.Compile is disallowed on the main thread');
    };
    vi.stubGlobal('WebAssembly', { ...WebAssembly, Module: refuse, instantiate: WebAssembly.instantiate });
    expect(simdModule(wasm())).toBeUndefined();
    await loadSimd(wasm());
    expect(simdModule(wasm())).toBeDefined();
  });

  it('serve a second copy of the package, and print nothing', async () => {
    const warn = vi.spyOn(console, 'warn');
    const before = results();
    vi.resetModules();
    const copy = await import('../../src/index');
    expect(copy.fakeQuantForward).not.toBe(fakeQuantForward);
    await copy.registerKernels();
    const y = copy.fakeQuantForward(tf.tensor1d([0.26, 9]), tf.scalar(0.5), { qn: -2, qp: 1 });
    expect(Array.from(y.dataSync())).toEqual([0.5, 0.5]);
    y.dispose();
    expect(results()).toEqual(before);
    expect(warn).not.toHaveBeenCalled();
  });
});
