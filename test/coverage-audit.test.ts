/**
 * CUDA and a GPU aren't at hand where the tests run, so what can be proven without them is proven: that nothing which the
 * packages do asks tfjs-node or tfjs-backend-webgpu for a kernel they lack. Each workload runs on a backend that has the
 * values of the cpu backend and the list of kernels of the audited one, and none of ours: where a package prefers a kernel
 * of its own, its fallback is what runs.
 */
import '@tensorflow/tfjs-backend-webgpu';
import { registerKernels } from '@qgen/kernels';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import nodeKernels from './coverage-audit/tfjs-node-kernels.json';
import { workloads } from './coverage-audit/workloads';

const ours = /^QGen/;
const lists = {
  tfjsnode: nodeKernels.kernels,
  webgpulist: tf.getKernelsForBackend('webgpu').flatMap(({ kernelName }) => (ours.test(kernelName) ? [] : kernelName)),
};

/** Makes `name` a backend with these kernels and no others; `called` collects those that are asked for. */
function auditedBackend(name: string, kernels: readonly string[], called: Set<string>): void {
  for (const { kernelName, kernelFunc } of tf.getKernelsForBackend('cpu'))
    if (kernels.includes(kernelName))
      tf.registerKernel({
        kernelName,
        backendName: name,
        kernelFunc: (args) => {
          called.add(kernelName);
          return kernelFunc(args);
        },
      });
  tf.registerBackend(name, () => new MathBackendCPU(), 0);
}

describe.each(Object.entries(lists))('on a backend with the kernels of %s', (name, kernels) => {
  const called = new Set<string>();
  beforeAll(async () => {
    auditedBackend(name, kernels, called);
    await tf.setBackend(name);
    await registerKernels();
  });
  afterAll(() => tf.removeBackend(name));

  it.each(Object.keys(workloads))('%s', { timeout: 120_000 }, async (workload) => {
    await workloads[workload]!();
    expect(tf.getBackend()).toBe(name);
  });

  it('the workloads have called many a kernel by now, all of them in the list', () => {
    expect(called.size).toBeGreaterThan(50);
    expect([...called].filter((kernelName) => !kernels.includes(kernelName))).toEqual([]);
  });

  it('an operation whose kernel is lacking would be found', () => {
    const lacking = tf.getKernelsForBackend('cpu').filter(({ kernelName }) => !kernels.includes(kernelName));
    for (const { kernelName } of lacking)
      expect(() => tf.engine().runKernel(kernelName, { x: tf.scalar(1) })).toThrow(`'${kernelName}' not registered`);
  });
});

it('the lists are those of whole backends', () => {
  expect(lists.tfjsnode.length).toBeGreaterThan(150);
  expect(lists.webgpulist.length).toBeGreaterThan(130);
});
