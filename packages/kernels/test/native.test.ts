import { philoxBits } from '@qgen/core';
import { randomBits, registerKernels } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../test/backends';
import { nativeRandom } from '../src/random/native';

type Binding = Record<string, unknown> & { executeOp(name: string): unknown };

/** What `work` calls of the binding to TensorFlow: `calls(work, 'executeOp')` is the list of arguments and results. */
function calls(work: () => void, ...functions: readonly string[]): { arguments: unknown[]; result: unknown }[] {
  const node = tf.backend() as unknown as { binding: Binding };
  const { binding } = node;
  const seen: { arguments: unknown[]; result: unknown }[] = [];
  // The binding's own properties can't be replaced.
  const watched = Object.fromEntries(Object.getOwnPropertyNames(binding).map((name) => [name, binding[name]]));
  for (const name of functions) {
    const original = binding[name] as (...given: unknown[]) => unknown;
    watched[name] = (...given: unknown[]) => {
      const result = original(...given);
      seen.push({ arguments: given, result });
      return result;
    };
  }
  node.binding = watched as Binding;
  try {
    work();
  } finally {
    node.binding = binding;
  }
  return seen;
}

const operations = (work: () => void) => calls(work, 'executeOp').map((call) => call.arguments[0]);

describe.each(backends.filter((backend) => backend === 'tensorflow'))('on %s', (backend) => {
  beforeAll(async () => {
    await useBackend(backend);
    await registerKernels();
  });

  it('the gradient of a rectifier is 1 above zero, 0 elsewhere, and NaN stays NaN, without an array from the host', () => {
    const values = [Number.NaN, -0, 0, -3, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2, 1e-30, Number.NaN];
    const x = tf.tensor1d(values);
    const expected = [Number.NaN, 0, 0, 0, 1, 0, 1, 1, Number.NaN];
    const steps = tf.step(x);
    expect(Array.from(steps.dataSync(), (value) => value + 0)).toEqual(expected);
    expect(operations(() => tf.step(x).dispose())).toEqual(['Sign', 'Maximum']);
    tf.dispose([x, steps]);
  });

  it('the gradient of relu and relu6 is dy where 0 < x (< 6), by the operation ReluGrad', () => {
    const x = tf.tensor1d([-2, -0, 0, 1e-30, 3, 6, 7]);
    const dy = tf.tensor1d([1, 2, 3, 4, 5, 6, 7]);
    const [relu, relu6] = [tf.grad((x) => tf.relu(x)), tf.grad((x) => tf.relu6(x))];
    const gradients = [relu(x, dy), relu6(x, dy)];
    expect(gradients.map((gradient) => Array.from(gradient.dataSync(), (value) => value + 0))).toEqual([
      [0, 0, 0, 4, 5, 6, 7],
      [0, 0, 0, 4, 5, 0, 0],
    ]);
    expect(operations(() => relu(x, dy).dispose())).toContain('ReluGrad');
    expect(operations(() => relu6(x, dy).dispose())).toContain('ReluGrad');
    tf.dispose([x, dy, gradients]);
  });

  it('the second derivative of relu(x)^2 is 2 above zero', () => {
    const x = tf.tensor1d([-1, 3]);
    const second = tf.grad((x) => tf.sum(tf.grad((x) => tf.square(tf.relu(x)))(x)));
    const value = second(x);
    expect([...value.dataSync()]).toEqual([0, 2]);
    tf.dispose([x, value]);
  });

  it('the gradients of relu leak nothing', async () => {
    const x = tf.tensor1d([-1, 3]);
    const leaked = await leakedTensors(() =>
      tf
        .grad((x) => tf.relu6(tf.relu(x)))(x)
        .dispose(),
    );
    expect(leaked).toBe(0);
    x.dispose();
  });

  it('a step with a slope is the one of tfjs', () => {
    const x = tf.tensor1d([-2, 0, 3]);
    const steps = tf.step(x, 0.5);
    expect([...steps.dataSync()]).toEqual([0.5, 0.5, 1]);
    tf.dispose([x, steps]);
  });

  it('integers are drawn by TensorFlow, which has the Philox of the definition', () => {
    const address = { seed: 2 ** 50 + 3, stream: 2 ** 45 + 1, offset: 2 ** 36 + 2 };
    const drawn: tf.Tensor[] = [];
    expect(operations(() => void drawn.push(randomBits([5, 7], address)))).toContain('StatelessRandomUniformFullIntV2');
    expect(drawn[0].dataSync()).toEqual(philoxBits(35, address));
    tf.dispose(drawn);
  });

  it('integers are ours where TensorFlow has no such operation', () => {
    const node = tf.backend() as unknown as { binding: Binding };
    const executeOp = (name: string) => {
      throw new Error(`${name} is not an operation`);
    };
    const binding = {
      ...node.binding,
      TF_ATTR_TYPE: 0,
      TF_INT32: 3,
      createTensor: () => 0,
      deleteTensor() {},
      executeOp,
    };
    const attrs = { kind: 'bits', shape: [6], key: [4, 0], stream: [0, 0], offset: 1, scale: 1, shift: 0 };
    const drawn = nativeRandom.kernelFunc({ inputs: {}, attrs: attrs as never, backend: { binding } }) as tf.Tensor;
    expect(drawn.dataSync()).toEqual(philoxBits(6, { seed: 4, offset: 1 }));
    drawn.dispose();
  });

  it('drawing leaves nothing behind, neither a tensor nor a handle of TensorFlow', async () => {
    const draw = () => randomBits([40], { seed: 1, offset: 3 }).dispose();
    draw();
    expect(await leakedTensors(draw)).toBe(0);
    const made = calls(draw, 'createTensor', 'executeOp').map(({ result }) =>
      Array.isArray(result) ? result[0].id : result,
    );
    const live = new Set(made);
    const deleted = calls(draw, 'deleteTensor');
    expect(deleted.length).toBe(live.size);
  });
});
