/**
 * The kernels that fall back to the CPU on CUDA. No GPU is at hand where the tests run, but TensorFlow says for which types an
 * operation has a kernel on one. Every operation that our workloads ask TensorFlow for is looked up there.
 */
import { registerKernels } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from './backends';
import gpu from './coverage-audit/gpu-kernels.json';
import { workloads } from './coverage-audit/workloads';

/** One-hot labels are int32. docs/backends.md says so. */
const ON_THE_CPU: readonly string[] = ['ArgMax T=int32 Tidx=int32 output_type=int32'];

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}
type Binding = Record<string, unknown> & { readonly TF_ATTR_TYPE: number };

const TYPES: Readonly<Record<number, string>> = {
  1: 'float32',
  2: 'float64',
  3: 'int32',
  7: 'string',
  8: 'complex64',
  9: 'int64',
  10: 'bool',
  22: 'uint32',
  23: 'uint64',
};
const kernels: Readonly<Record<string, Readonly<Record<string, string>>>> = gpu.kernels;

/** Where a call runs on CUDA: its types must hold those that a kernel asks for. */
function placeOf(op: string, types: Readonly<Record<string, string>>): 'gpu' | 'host' | 'cpu' {
  for (const [constraint, place] of Object.entries(kernels[op] ?? {})) {
    const asked = constraint === '' ? [] : constraint.split(' ').map((part) => part.split('=') as [string, string]);
    if (asked.every(([name, type]) => types[name] === type)) return place as 'gpu' | 'host';
  }
  return 'cpu';
}

describe.each(backends.filter((backend) => backend === 'tensorflow'))('on %s', (backend) => {
  const calls = new Map<string, 'gpu' | 'host' | 'cpu'>();

  beforeAll(async () => {
    await useBackend(backend);
    await registerKernels();
    const node = tf.backend() as unknown as { binding: Binding };
    const { binding } = node;
    const executeOp = binding.executeOp as (...given: unknown[]) => unknown;
    // The binding's own properties can't be replaced.
    const copy = Object.fromEntries(Object.getOwnPropertyNames(binding).map((name) => [name, binding[name]]));
    copy.executeOp = (op: string, attributes: readonly Attribute[], ...rest: unknown[]) => {
      const typed = attributes.filter(({ type }) => type === binding.TF_ATTR_TYPE);
      const types = Object.fromEntries(typed.map(({ name, value }) => [name, TYPES[value as number] ?? String(value)]));
      const shown = Object.entries(types).map(([name, type]) => `${name}=${type}`);
      calls.set([op, ...shown].join(' '), placeOf(op, types));
      return executeOp(op, attributes, ...rest);
    };
    node.binding = copy as Binding;
  });

  it.each(Object.keys(workloads))('%s', { timeout: 240_000 }, async (workload) => {
    await workloads[workload]!();
    expect(tf.getBackend()).toBe(backend);
  });

  it('every operation but those that are listed has a kernel on a GPU for the types that we give it', () => {
    expect(calls.size).toBeGreaterThan(60);
    const onTheCpu = [...calls].filter(([, place]) => place === 'cpu').map(([call]) => call);
    expect(onTheCpu.sort()).toEqual(ON_THE_CPU);
  });
});
