import * as tf from '@tensorflow/tfjs-core';
import { composed, type RunKernel } from '../../backends/composed-kernel';
import { gradientOf } from '../../backends/gradient';
import { kernelsOf } from '../../backends/kernel';

/** A tensor with a letter for each axis. */
interface Labelled {
  readonly tensor: tf.TensorInfo;
  readonly labels: string;
}

const without = (labels: string, others: string): string => [...labels].filter((l) => !others.includes(l)).join('');
const shared = (labels: string, others: string): string => [...labels].filter((l) => others.includes(l)).join('');

/** The terms of an equation such as `bij,bjk->bik`, with what tfjs checks of it. */
function parse(equation: string, tensors: readonly tf.TensorInfo[]): { terms: string[]; output: string } {
  const { allDims, idDims } = tf.backend_util.decodeEinsumEquation(equation, tensors.length);
  tf.backend_util.checkEinsumDimSizes(allDims.length, idDims, tensors as tf.Tensor[]);
  const [terms, output] = equation.replace(/\s/g, '').split('->') as [string, string];
  return { terms: terms.split(','), output };
}

/**
 * Einstein summation of one or two tensors. Two tensors are a batched matrix product: labels of both and of the output are
 * the batch, labels of both alone are summed over, the others are rows and columns. tfjs-backend-wasm has no such kernel;
 * those of cpu, webgpu and webgl are wrong where the output moves labels of the first term, as in `ba,cd->abc`.
 */
export const einsum: readonly tf.KernelConfig[] = ['cpu', 'wasm', 'webgpu', 'webgl'].map((backendName) =>
  kernelsOf<object>(backendName)<Readonly<Record<string, tf.TensorInfo>>, Equation>(
    'Einsum',
    (inputs, { equation }, backend) => {
      const tensors = Object.values(inputs);
      const { terms, output } = parse(equation, tensors);
      return composed(backendName, backend, (run) => {
        const a = reduced(run, { tensor: tensors[0], labels: terms[0] }, output + (terms[1] ?? ''));
        if (tensors.length === 1) return arranged(run, a, output);
        const b = reduced(run, { tensor: tensors[1], labels: terms[1] }, output + terms[0]);
        return arranged(run, product(run, a, b, output), output);
      });
    },
  ),
);

interface Equation {
  readonly equation: string;
}

/** The tensor with its axes in the order of these labels. */
function arranged(run: RunKernel, { tensor, labels }: Labelled, order: string): tf.TensorInfo {
  if (labels === order) return tensor;
  return run('Transpose', { x: tensor }, { perm: [...order].map((label) => labels.indexOf(label)) });
}

/** Sums over the labels that are not among those wanted. */
function reduced(run: RunKernel, { tensor, labels }: Labelled, wanted: string): Labelled {
  const alone = without(labels, wanted);
  if (alone === '') return { tensor, labels };
  const axis = [...alone].map((label) => labels.indexOf(label));
  return { tensor: run('Sum', { x: tensor }, { axis, keepDims: false }), labels: without(labels, alone) };
}

/** The batched matrix product, labelled by batch, rows and columns. */
function product(run: RunKernel, a: Labelled, b: Labelled, output: string): Labelled {
  const both = shared(a.labels, b.labels);
  const [batch, inner] = [shared(both, output), without(both, output)];
  const [rows, columns] = [without(a.labels, both), without(b.labels, both)];
  const sizes = new Map([a, b].flatMap(({ tensor, labels }) => [...labels].map((l, i) => [l, tensor.shape[i]])));
  const shape = (labels: string) => [...labels].map((label) => sizes.get(label)!);
  const size = (labels: string) => tf.util.sizeFromShape(shape(labels));
  const left = { ...arranged(run, a, batch + rows + inner), shape: [size(batch), size(rows), size(inner)] };
  const right = { ...arranged(run, b, batch + inner + columns), shape: [size(batch), size(inner), size(columns)] };
  const tensor = run('BatchMatMul', { a: left, b: right }, { transposeA: false, transposeB: false });
  const labels = batch + rows + columns;
  return { tensor: { ...tensor, shape: shape(labels) }, labels };
}

/**
 * Gradient of an Einstein summation, which tfjs lacks, on every backend: each term's gradient is the summation of dy and
 * the other term into this term's labels; along a label that only this term has, dy is repeated.
 */
export const einsumGradient: tf.GradConfig = {
  kernelName: 'Einsum',
  saveAllInputs: true,
  gradFunc: gradientOf<tf.Tensor, tf.Tensor[], Equation>((dy, saved, { equation }) => {
    const { terms, output } = parse(equation, saved);
    return Object.fromEntries(
      terms.map((labels, i) => [
        i,
        () => {
          const other = terms[1 - i] ?? '';
          const kept = shared(labels, output + other);
          const others = terms.length > 1 ? [dy, saved[1 - i]] : [dy];
          const part = tf.einsum(terms.length > 1 ? `${output},${other}->${kept}` : `${output}->${kept}`, ...others);
          if (kept === labels) return part;
          const shape = saved[i].shape;
          const one = [...labels].map((label, axis) => (kept.includes(label) ? shape[axis] : 1));
          return tf.mul(tf.reshape(part, one), tf.ones(shape));
        },
      ]),
    );
  }),
};
