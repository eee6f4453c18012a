/**
 * Fake quantization, forward and backward, per element: the fused kernels against the composed definition, and against
 * moving as many bytes. `QGEN_BACKEND=webgpu` runs it on a GPU (through Dawn), `cpu` on plain JavaScript.
 */
import { fakeQuantBackward, fakeQuantForward, randomNormal } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import { composedBackward, composedForward } from '../packages/kernels/src/fake-quant/composed';
import { type BackendName, useBackend } from '../test/backends';

const attributes = { qn: -8, qp: 7, gradientScale: 1 };

interface Case {
  readonly x: tf.Tensor;
  readonly dy: tf.Tensor;
  readonly step: tf.Tensor;
}

/** The shortest way to write it in tfjs, without the definition's care for NaN, tiny steps and second derivatives. */
const plainCode = (x: tf.Tensor, step: tf.Tensor) => {
  const z = tf.div(x, step);
  return { z, q: tf.round(tf.clipByValue(z, attributes.qn, attributes.qp)) };
};
const plainForward: typeof composedForward = (x, step) => tf.tidy(() => tf.mul(plainCode(x, step).q, step));
const plainBackward: typeof composedBackward = (dy, x, step) =>
  tf.tidy(() => {
    const { z, q } = plainCode(x, step);
    const inside = tf.logicalAnd(tf.greater(z, attributes.qn), tf.less(z, attributes.qp));
    const t = tf.where(inside, tf.sub(q, z), q);
    return { dx: tf.where(inside, dy, tf.zerosLike(dy)), dStep: tf.sum(tf.mul(dy, t)) };
  });

/** Milliseconds of one forward and one backward pass, until the step gradient has arrived. */
async function time({ x, dy, step }: Case, forward: typeof composedForward, backward: typeof composedBackward) {
  const start = performance.now();
  const y = forward(x, step, attributes);
  const { dx, dStep } = backward(dy, x, step, attributes);
  await dStep.data();
  const elapsed = performance.now() - start;
  tf.dispose([y, dx, dStep]);
  return elapsed;
}

/** Milliseconds to copy within the wasm heap: forward and backward read 3 tensors and write 2, a copy of 2 1/2. */
function timeCopy({ x, dy }: Case): number {
  const backend = tf.backend() as unknown as {
    readonly wasm: { readonly HEAPU8: Uint8Array };
    getMemoryOffset(dataId: object): number;
  };
  const [from, to] = [backend.getMemoryOffset(x.dataId), backend.getMemoryOffset(dy.dataId)];
  const heap = backend.wasm.HEAPU8;
  const start = performance.now();
  heap.copyWithin(to, from, from + 4 * x.size);
  heap.copyWithin(to, from, from + 4 * x.size);
  heap.copyWithin(to, from, from + 2 * x.size);
  return performance.now() - start;
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

async function measure(n: number, repetitions: number, backend: BackendName) {
  const small = { x: randomNormal([n], { seed: 1 }), dy: randomNormal([n], { seed: 2 }), step: tf.scalar(0.3) };
  const [fused, composed, plain, copy]: number[][] = [[], [], [], []];
  for (let i = -2; i < repetitions; i++) {
    const times = [
      await time(small, fakeQuantForward, fakeQuantBackward),
      await time(small, composedForward, composedBackward),
      await time(small, plainForward, plainBackward),
      backend === 'wasm' ? timeCopy(small) : Number.NaN,
    ];
    // The first two rounds warm up.
    if (i >= 0) for (const [k, list] of [fused, composed, plain, copy].entries()) list!.push(times[k]!);
  }
  tf.dispose(Object.values(small));
  return { fused: median(fused!), composed: median(composed!), plain: median(plain!), copy: median(copy!) };
}

export async function run(): Promise<Readonly<Record<string, number | string>>> {
  const backend = (process.env.QGEN_BACKEND ?? 'wasm') as BackendName;
  if (backend === 'webgpu') await import('../test/dawn');
  await useBackend(backend);
  const million = await measure(1e6, 41, backend);
  const tenMillion = await measure(1e7, 11, backend);
  const figures = {
    nsPerElement1M: million.fused,
    nsPerElement10M: tenMillion.fused / 10,
    speedupOverComposed: million.composed / million.fused,
    speedupOverComposed10M: tenMillion.composed / tenMillion.fused,
    speedupOverPlain: million.plain / million.fused,
    speedupOverPlain10M: tenMillion.plain / tenMillion.fused,
    copyRatio: tenMillion.fused / tenMillion.copy,
    copyRatio1M: million.fused / million.copy,
  };
  const known = Object.entries(figures).filter(([, value]) => !Number.isNaN(value));
  return { backend, ...Object.fromEntries(known.map(([name, value]) => [name, Number(value.toPrecision(3))])) };
}
