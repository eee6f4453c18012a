/**
 * Fake quantization, forward and backward, per element: the fused kernels against the composed definition, and against
 * moving as many bytes. `QGEN_BACKEND=webgpu` runs it on a GPU (through Dawn), `cpu` on plain JavaScript.
 */
import { fakeQuantBackward, fakeQuantForward, randomNormal } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import { composedBackward, composedForward } from '../packages/kernels/src/fake-quant';
import { type BackendName, useBackend } from '../test/backends';

const attributes = { qn: -8, qp: 7, gradientScale: 1 };

interface Case {
  readonly x: tf.Tensor;
  readonly dy: tf.Tensor;
  readonly step: tf.Tensor;
}

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
  const { wasm, ...backend } = tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } };
  const { dataIdMap } = backend as unknown as { dataIdMap: { get(id: object): { memoryOffset: number } } };
  const [from, to] = [x, dy].map(({ dataId }) => dataIdMap.get(dataId).memoryOffset) as [number, number];
  const spare = wasm.HEAPU8;
  const start = performance.now();
  spare.copyWithin(to, from, from + 4 * x.size);
  spare.copyWithin(to, from, from + 4 * x.size);
  spare.copyWithin(to, from, from + 2 * x.size);
  return performance.now() - start;
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

async function measure(n: number, repetitions: number, backend: BackendName) {
  const small = { x: randomNormal([n], { seed: 1 }), dy: randomNormal([n], { seed: 2 }), step: tf.scalar(0.3) };
  const [fused, composed, copy]: number[][] = [[], [], []];
  for (let i = -2; i < repetitions; i++) {
    const times = [
      await time(small, fakeQuantForward, fakeQuantBackward),
      await time(small, composedForward, composedBackward),
      backend === 'wasm' ? timeCopy(small) : Number.NaN,
    ];
    // The first two rounds warm up.
    if (i >= 0) [fused, composed, copy].forEach((list, k) => list!.push(times[k]!));
  }
  tf.dispose(Object.values(small));
  return [median(fused!), median(composed!), median(copy!)] as const;
}

export async function run(): Promise<Readonly<Record<string, number | string>>> {
  const backend = (process.env.QGEN_BACKEND ?? 'wasm') as BackendName;
  if (backend === 'webgpu') await import('../test/dawn');
  await useBackend(backend);
  const [fused1M, composed1M, copy1M] = await measure(1e6, 41, backend);
  const [fused10M, composed10M, copy10M] = await measure(1e7, 11, backend);
  const figures = {
    nsPerElement1M: fused1M,
    nsPerElement10M: fused10M / 10,
    speedupOverComposed: composed1M / fused1M,
    speedupOverComposed10M: composed10M / fused10M,
    copyRatio: fused10M / copy10M,
    copyRatio1M: fused1M / copy1M,
  };
  const known = Object.entries(figures).filter(([, value]) => !Number.isNaN(value));
  return { backend, ...Object.fromEntries(known.map(([name, value]) => [name, Number(value.toPrecision(3))])) };
}
