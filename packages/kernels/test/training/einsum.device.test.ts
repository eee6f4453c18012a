import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import '@qgen/kernels';

const sizes: Readonly<Record<string, number>> = { a: 2, b: 3, c: 4, d: 5 };

/** Numbers in (−1, 1), other ones for every seed. */
const numbers = (shape: number[], seed: number) =>
  tf.tensor(
    Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed)),
    shape,
  );
const tensors = (equation: string) =>
  equation
    .split('->')[0]
    .split(',')
    .map((term, i) =>
      numbers(
        [...term].map((label) => sizes[label]),
        i + 1,
      ),
    );

/** Σ over all labels of the product of the terms, by the definition. */
async function definition(equation: string, terms: readonly tf.Tensor[]): Promise<number[]> {
  const [input, output] = equation.split('->') as [string, string];
  const labels = [...new Set(`${output}${input.replace(/,/g, '')}`)];
  const names = input.split(',');
  const result = new Array<number>([...output].reduce((n, label) => n * sizes[label], 1)).fill(0);
  const values = await Promise.all(terms.map((term) => term.data()));
  const offset = (term: string, at: Readonly<Record<string, number>>) =>
    [...term].reduce((position, label) => position * sizes[label] + at[label], 0);
  const visit = (depth: number, at: Record<string, number>): void => {
    if (depth === labels.length) {
      result[offset(output, at)] += names.reduce((product, term, i) => product * values[i][offset(term, at)], 1);
      return;
    }
    for (let i = 0; i < sizes[labels[depth]]; i++) visit(depth + 1, { ...at, [labels[depth]]: i });
  };
  visit(0, {});
  return result;
}

const equations = [
  'ab,bc->ac',
  'ab,bc->ca',
  'abc,acd->abd',
  'abc,adc->dab',
  'ab,cd->abcd',
  'a,b->ba',
  'ab,ab->ab',
  'ab,ab->',
  'ab,cb->a',
  'abc->cab',
  'abc->b',
  'abc->',
  'abc,d->ad',
  'abcd,cd->ab',
  'abc,bd->ad',
  'dab,dac->bc',
  'ba,cd->abc',
  'ba,bc->ac',
  'dba,cd->bac',
];

describe.each(backends)('einsum on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(equations)('%s is the sum of products', async (equation) => {
    const terms = tensors(equation);
    const result = tf.einsum(equation, ...terms);
    expect(result.shape).toEqual([...equation.split('->')[1]].map((label) => sizes[label]));
    const values = await result.data();
    for (const [i, value] of (await definition(equation, terms)).entries()) expect(values[i]).toBeCloseTo(value, 5);
  });

  it.each(equations)('%s has the gradient that finite differences give', async (equation) => {
    const terms = tensors(equation);
    const weights = numbers(tf.einsum(equation, ...terms).shape, 9);
    const loss = (...given: tf.Tensor[]) => tf.sum(tf.mul(tf.einsum(equation, ...given), weights));
    const gradients = tf.grads((...given) => loss(...given))(terms);
    for (const [k, term] of terms.entries()) {
      // The loss is linear in one term: a difference over a large step is exact up to rounding.
      const direction = numbers(term.shape, 11);
      const moved = terms.map((other, i) => (i === k ? tf.add(other, direction) : other));
      const [slope] = await tf.sub(loss(...moved), loss(...terms)).data();
      const [found] = await tf.sum(tf.mul(gradients[k], direction)).data();
      expect(found).toBeCloseTo(slope, 4);
      expect(gradients[k].shape).toEqual(term.shape);
    }
  });

  it('leaves no tensor and no data behind', async () => {
    const given = tensors('abc,adc->dab');
    const dataIds = () => tf.backend().numDataIds();
    const before = dataIds();
    expect(await leakedTensors(() => tf.tidy(() => void tf.einsum('abc,adc->dab', ...given)))).toBe(0);
    expect(await leakedTensors(() => tf.tidy(() => void tf.einsum('abc->abc', given[0])))).toBe(0);
    expect(dataIds()).toBe(before);
  });
});
