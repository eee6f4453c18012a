import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { expectSame, numbers, on } from './cpu-and-wasm';

const sizes: Readonly<Record<string, number>> = { a: 2, b: 3, c: 4, d: 5 };
const tensors = (equation: string) =>
  equation
    .split('->')[0]!
    .split(',')
    .map((term, i) =>
      numbers(
        [...term].map((label) => sizes[label]!),
        i + 1,
      ),
    );

/** Σ over all labels of the product of the terms, by the definition. */
function definition(equation: string, terms: readonly tf.Tensor[]): number[] {
  const [input, output] = equation.split('->') as [string, string];
  const labels = [...new Set(`${output}${input.replace(/,/g, '')}`)];
  const names = input.split(',');
  const result = new Array<number>([...output].reduce((n, label) => n * sizes[label]!, 1)).fill(0);
  const values = terms.map((term) => term.dataSync());
  const offset = (term: string, at: Readonly<Record<string, number>>) =>
    [...term].reduce((position, label) => position * sizes[label]! + at[label]!, 0);
  const visit = (depth: number, at: Record<string, number>): void => {
    if (depth === labels.length) {
      result[offset(output, at)]! += names.reduce((product, term, i) => product * values[i]![offset(term, at)]!, 1);
      return;
    }
    for (let i = 0; i < sizes[labels[depth]!]!; i++) visit(depth + 1, { ...at, [labels[depth]!]: i });
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
];

describe.each(equations)('einsum %s', (equation) => {
  it('is the sum of products on wasm', async () => {
    const [result] = await on('wasm', () => tf.einsum(equation, ...tensors(equation)));
    definition(equation, tensors(equation)).forEach((value, i) => {
      expect(result!.values[i]).toBeCloseTo(value, 5);
    });
  });

  it('has the gradient that finite differences give', async () => {
    await tf.setBackend('wasm');
    const terms = tensors(equation);
    const weights = numbers(tf.einsum(equation, ...terms).shape, 9);
    const loss = (...given: tf.Tensor[]) => tf.sum(tf.mul(tf.einsum(equation, ...given), weights));
    const gradients = tf.grads((...given) => loss(...given))(terms);
    terms.forEach((term, k) => {
      // The loss is linear in one term: a difference over a large step is exact up to rounding.
      const direction = numbers(term.shape, 11);
      const moved = terms.map((other, i) => (i === k ? tf.add(other, direction) : other));
      const slope = tf.sub(loss(...moved), loss(...terms)).dataSync()[0]!;
      expect(tf.sum(tf.mul(gradients[k]!, direction)).dataSync()[0]!).toBeCloseTo(slope, 4);
      expect(gradients[k]!.shape).toEqual(term.shape);
    });
  });
});

it('leaves no tensor behind', async () => {
  await expectSame(() => tf.einsum('ab,bc->ac', tf.ones([2, 3]), tf.ones([3, 4])));
  const before = tf.memory().numTensors;
  tf.tidy(() => void tf.einsum('abc,adc->dab', ...tensors('abc,adc->dab')));
  expect(tf.memory().numTensors).toBe(before);
});
