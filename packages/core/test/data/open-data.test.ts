import { type Data, type DatasetLike, type Expected, openData, streamData, type UnlabelledData } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';

beforeAll(() => useBackend('cpu'));

/** Three examples of two numbers: example i is (2 i, 2 i + 1), of class 2, 0 and 1. */
const numbers = [
  [0, 1],
  [2, 3],
  [4, 5],
];
const classes = [2, 0, 1];
const rows = (indices: readonly number[]) => indices.map((i) => numbers[i]);
const labelled = (indices: readonly number[]) => ({
  xs: tf.tensor2d(rows(indices)),
  ys: tf.tensor1d(
    indices.map((i) => classes[i]),
    'int32',
  ),
});

/** The part of a `tf.data.Dataset` that the reader sees (the real one is read in test/tfjs-data.test.ts). */
const dataset = (items: () => Iterator<unknown>): DatasetLike => ({
  iterator: async () => {
    const iterator = items();
    return { next: async () => iterator.next() };
  },
});

/** Every form in which data may come, each made anew. */
const forms: Record<string, () => Data> = {
  'nested arrays': () => ({ xs: numbers, ys: classes }),
  'typed arrays with the shape of one example': () => ({
    xs: Float64Array.from(numbers.flat()),
    ys: Uint8Array.from(classes),
    shape: [2],
  }),
  'one-hot rows': () => ({
    xs: numbers,
    ys: [
      [0, 0, 1],
      [1, 0, 0],
      [0, 1, 0],
    ],
  }),
  'soft rows': () => ({
    xs: numbers,
    ys: [
      [0.1, 0.1, 0.8],
      [0.6, 0.2, 0.2],
      [0.3, 0.4, 0.3],
    ],
  }),
  'integers in rows of one': () => ({ xs: numbers, ys: [[2], [0], [1]] }),
  'random access': () => ({ size: 3, batch: (indices) => labelled([...indices]) }),
  'random access to arrays': () => ({
    size: 3,
    batch: async (indices) => ({ xs: rows([...indices]), ys: [...indices].map((i) => classes[i]) }),
  }),
  'an array of batches': () => [
    { xs: rows([0, 1]), ys: [2, 0] },
    { xs: rows([2]), ys: [1] },
  ],
  'a generator of batches': () =>
    (function* () {
      yield labelled([0]);
      yield labelled([1, 2]);
    })(),
  'a function that returns an asynchronous generator': () =>
    async function* () {
      yield labelled([0, 1]);
      yield labelled([2]);
    },
  'a batched Dataset': () =>
    dataset(function* () {
      yield labelled([0, 1]);
      yield labelled([2]);
    }),
  'a Dataset of single examples': () =>
    dataset(function* () {
      for (const i of [0, 1, 2]) yield { xs: tf.tensor1d(numbers[i]), ys: tf.scalar(classes[i], 'int32') };
    }),
};

describe.each(Object.entries(forms))('data as %s', (_, make) => {
  it('are the same examples, in any order, and nothing is left behind', async () => {
    const leaked = await leakedTensors(async () => {
      const examples = await openData(make(), 'test', { inputShape: [null, 2], classes: 3 });
      expect(examples.size).toBe(3);
      for (const order of [[0, 1, 2], [2, 0], [1]]) {
        const { xs, labels } = await examples.batch(Int32Array.from(order));
        expect(xs.shape).toEqual([order.length, 2]);
        expect([...(await xs.data())]).toEqual(rows(order).flat());
        expect([...labels]).toEqual(order.map((i) => classes[i]));
        xs.dispose();
      }
    });
    expect(leaked).toBe(0);
  });

  it('are the same examples read in order, in a stream', async () => {
    const leaked = await leakedTensors(async () => {
      const stream = await streamData(make(), 'test', { inputShape: [null, 2] });
      const seen: number[] = [];
      const of: number[] = [];
      for await (const { xs, labels } of stream.batches(2)) {
        expect(xs.shape[0]).toBeLessThanOrEqual(2);
        seen.push(...(await xs.data()));
        of.push(...labels);
      }
      expect(seen).toEqual(numbers.flat());
      expect(of).toEqual(classes);
    });
    expect(leaked).toBe(0);
  });
});

describe('the tensors of data', () => {
  it('in { xs, ys } and in an array of batches stay the caller’s', async () => {
    const batches = [labelled([0, 1]), labelled([2])];
    await openData(batches, 'test');
    for await (const _ of (await streamData(batches, 'test')).batches(2));
    for (const { xs, ys } of batches) {
      expect(xs.isDisposed || ys.isDisposed).toBe(false);
      await openData({ xs, ys }, 'test');
      expect(xs.isDisposed || ys.isDisposed).toBe(false);
    }
    tf.dispose(batches);
  });

  it('are disposed when a stream is left early', async () => {
    const data = () =>
      (function* () {
        yield labelled([0]);
        yield labelled([1]);
      })();
    const leaked = await leakedTensors(async () => {
      for await (const { labels } of (await streamData(data, 'test')).batches(1)) if (labels[0] === 2) break;
    });
    expect(leaked).toBe(0);
  });
});

it('a function is asked for a new pass each time, an iterator can be read once', async () => {
  const count = async (data: Data) => {
    const stream = await streamData(data, 'test');
    let batches = 0;
    for (let pass = 0; pass < 2; pass++) for await (const _ of stream.batches(1)) batches++;
    return batches;
  };
  const generate = function* () {
    yield { xs: [[0, 1]], ys: [1] };
  };
  expect(await count(generate)).toBe(2);
  await expect(count(generate())).rejects.toThrow('test: the data are an iterator, which can be read once');
});

it('a dataset may hold batches of 200,000: labels are not spread over the stack', async () => {
  const size = 200_000;
  const data = () => [{ xs: new Float32Array(size), ys: new Uint8Array(size), shape: [1] }];
  expect((await openData(data, 'test')).size).toBe(size);
});

it('bytes become float32, or int32 where the reader says so; Int32Array stays int32', async () => {
  const dtype = async (xs: Uint8Array | Int32Array, expected: Expected) => {
    const batch = await (await openData({ xs, ys: [0], shape: [1] }, 'test', expected)).batch(Int32Array.of(0));
    batch.xs.dispose();
    return batch.xs.dtype;
  };
  expect(await dtype(Uint8Array.of(7), {})).toBe('float32');
  expect(await dtype(Uint8Array.of(7), { bytes: 'int32' })).toBe('int32');
  expect(await dtype(Int32Array.of(7), {})).toBe('int32');
});

describe('the numbers of a regression', () => {
  const expected = { labels: 'numbers' } as const;

  it('are kept as they are, one or several an example', async () => {
    const one = await openData({ xs: numbers, ys: [-1.5, 0, 2] }, 'test', expected);
    expect([...(await one.batch(Int32Array.of(2, 0))).labels]).toEqual([2, -1.5]);
    const two = await openData({ xs: [[0], [1]], ys: tf.tensor2d([1, 2, 3, 4], [2, 2]) }, 'test', expected);
    expect([...(await two.batch(Int32Array.of(1))).labels]).toEqual([3, 4]);
  });

  it('must be finite', async () => {
    await expect(openData({ xs: [[0], [1]], ys: [0, Number.NaN] }, 'test', expected)).rejects.toThrow(
      'test: targets must be finite numbers, got NaN at example 1',
    );
  });
});

describe('data without labels', () => {
  const forms: Record<string, () => UnlabelledData> = {
    'a tensor': () => tf.tensor2d(numbers),
    'nested arrays': () => numbers,
    '{ xs }': () => ({ xs: Float32Array.from(numbers.flat()), shape: [2] }),
    'labelled data, whose labels are not read': () => ({ xs: numbers, ys: ['a', 'b', 'c'] as never }),
    'random access': () => ({ size: 3, batch: (indices) => ({ xs: rows([...indices]) }) }),
    'an array of batches': () => [{ xs: rows([0, 1]) }, { xs: rows([2]) }],
    'a Dataset of tensors': () =>
      dataset(function* () {
        yield tf.tensor2d(rows([0, 1]));
        yield tf.tensor2d(rows([2]));
      }),
  };
  it.each(Object.entries(forms))('may be %s', async (_, make) => {
    const stream = await streamData(make(), 'test', { labels: 'none' });
    const seen: number[] = [];
    for await (const { xs, labels } of stream.batches(2)) {
      seen.push(...(await xs.data()));
      expect(labels).toHaveLength(0);
    }
    expect(seen).toEqual(numbers.flat());
  });
});

describe('bad data are refused, with what was given', () => {
  const nan = Number.NaN;
  const table: readonly [string, unknown, string, Expected?][] = [
    ['null', null, 'test: data must be { xs, ys }, { size, batch(indices) }'],
    ['a number', 3, 'got 3'],
    ['a bare tensor', tf.tensor1d([1]), 'got a tensor of shape [1]'],
    ['another object', { inputs: [], labels: [] }, 'got { inputs, labels }'],
    ['no labels', { xs: numbers }, 'got { xs }'],
    ['batches without labels', [{ xs: numbers }], 'test: every batch must be { xs, ys }, got { xs }'],
    ['a dataset of tensors', () => [tf.zeros([2, 2])], 'got a tensor of shape [2,2]'],
    ['no example', { xs: [], ys: [] }, 'test: the data hold no example'],
    ['no example in a tensor', { xs: tf.zeros([0, 2]), ys: [] }, 'test: the data hold no example'],
    ['no batch', [], 'test: the data hold no example'],
    [
      'an empty batch',
      [
        { xs: numbers, ys: classes },
        { xs: [], ys: [] },
      ],
      'test: a batch holds no example',
    ],
    [
      'batches with one-hot labels and without',
      [
        { xs: [[1]], ys: [[0, 1]] },
        { xs: [[1]], ys: [0] },
      ],
      'the labels of all batches must be alike',
    ],
    ['size 0', { size: 0, batch: () => labelled([]) }, 'test: the data hold no example'],
    ['size -1', { size: -1, batch: () => labelled([]) }, 'data.size must be the number of examples, got -1'],
    ['size 1.5', { size: 1.5, batch: () => labelled([]) }, 'data.size must be the number of examples, got 1.5'],
    ['fewer labels', { xs: numbers, ys: [0, 1] }, 'test: there are 3 inputs and 2 labels'],
    ['more labels', { xs: numbers, ys: tf.tensor1d([0, 1, 0, 1]) }, 'there are 3 inputs and 4 labels'],
    ['ragged inputs', { xs: [[1, 2], [3]], ys: [0, 1] }, 'xs is ragged or not of numbers'],
    [
      'deeper inputs',
      {
        xs: [
          [1, 2],
          [3, [4]],
        ],
        ys: [0, 1],
      },
      'xs is ragged or not of numbers',
    ],
    ['strings', { xs: [['a'], ['b']], ys: [0, 1] }, 'xs is ragged or not of numbers'],
    ['no shape', { xs: new Float32Array(6), ys: classes }, 'xs as Float32Array needs shape, the shape of one example'],
    ['shape [0]', { xs: new Float32Array(6), ys: classes, shape: [0] }, 'got [0]'],
    ['a wrong shape', { xs: new Float32Array(6), ys: classes, shape: [4] }, 'no whole number of examples of shape [4]'],
    ['64-bit integers', { xs: new BigInt64Array(6), ys: classes, shape: [2] }, 'got BigInt64Array'],
    [
      'another rank',
      { xs: tf.zeros([3, 2, 2]), ys: classes },
      'the model takes inputs of shape [n, 2], got [3,2,2]',
      { inputShape: [null, 2] },
    ],
    [
      'one example',
      { xs: tf.zeros([3]), ys: classes },
      'make a single example a batch of one',
      { inputShape: [null, 2] },
    ],
    ['a label below 0', { xs: numbers, ys: [0, -1, 2] }, 'labels must be integers from 0, got -1 at example 1'],
    ['a label of 0.5', { xs: numbers, ys: Float32Array.of(0, 0.5, 2) }, 'got 0.5 at example 1'],
    ['a label of NaN', { xs: numbers, ys: [0, nan, 2] }, 'got NaN at example 1'],
    ['a label of 3e9', { xs: numbers, ys: [0, 1, 3e9] }, 'got 3000000000 at example 2'],
    [
      'a label beyond the classes',
      { xs: numbers, ys: [0, 1, 3] },
      'from 0 to 2 (the model has 3 classes), got 3 at example 2',
      { classes: 3 },
    ],
    ['strings as labels', { xs: numbers, ys: ['a', 'b', 'c'] }, 'labels must be numbers, got string a'],
    ['a string as labels', { xs: numbers, ys: 'abc' }, 'ys must be a tensor or an array of labels, got string'],
    ['no labels at all', { xs: numbers, ys: undefined }, 'ys must be a tensor or an array of labels, got undefined'],
    ['another shape', { xs: numbers, ys: classes }, 'shape [n, any,4], got [3,2]', { inputShape: [8, null, 4] }],
    ['labels of rank 3', { xs: numbers, ys: tf.zeros([3, 1, 2]) }, 'got a float32 tensor of shape [3,1,2]'],
    ['a string tensor', { xs: numbers, ys: tf.tensor1d(['a', 'b', 'c']) }, 'got a string tensor of shape [3]'],
    ['rows of NaN', { xs: [[1]], ys: [[nan, nan]] }, 'those of example 0, [NaN,NaN], have NaN'],
    ['rows of 0', { xs: [[1]], ys: [[0, 0]] }, 'sum to 0'],
    ['rows of two ones', { xs: [[1]], ys: tf.tensor2d([[1, 1]]) }, 'sum to 2'],
    ['rows below 0', { xs: [[1]], ys: [[2, -1]] }, 'have -1'],
    ['rows with a tie', { xs: [[1]], ys: [[0.5, 0.5]] }, 'have two largest entries'],
    ['ragged rows', { xs: [[1], [2]], ys: [[0, 1], [1]] }, 'that of example 0 is 2 and that of example 1 1'],
    [
      'rows of other length',
      { xs: [[1]], ys: [[0, 1]] },
      "one entry for each of the model's 3 classes, got rows of 2",
      { classes: 3 },
    ],
    [
      'batches of other shapes',
      [
        { xs: [[1]], ys: [0] },
        { xs: [[1, 2]], ys: [0] },
      ],
      'a later one float32 examples of shape [2]',
    ],
  ];
  it.each(table)('%s', async (_, data, message, expected) => {
    await expect(openData(data as Data, 'test', expected)).rejects.toThrow(message);
  });

  it('and nothing is left behind of what was read', async () => {
    const bad = { xs: () => tf.zeros([2, 1]), ys: () => tf.tensor2d([1, 1, 0, 0], [2, 2]) };
    const wrong: Data[] = [
      () => [{ xs: bad.xs(), ys: bad.ys() }],
      () => [{ xs: bad.xs(), ys: tf.tensor1d([0]) }],
      { iterator: async () => ({ next: async () => ({ done: false, value: { xs: bad.xs(), ys: bad.ys() } }) }) },
    ];
    for (const data of wrong)
      expect(await leakedTensors(() => expect(openData(data, 'test')).rejects.toThrow(RangeError))).toBe(0);
    const access: Data = { size: 2, batch: () => ({ xs: bad.xs(), ys: bad.ys() }) };
    expect(
      await leakedTensors(async () => {
        const examples = await openData(access, 'test');
        await expect(examples.batch(Int32Array.of(0, 1))).rejects.toThrow('sum to 2');
        await expect(examples.batch(Int32Array.of(0))).rejects.toThrow('sum to 2');
      }),
    ).toBe(0);
  });

  it('random access that returns another number of examples', async () => {
    const examples = await openData({ size: 3, batch: () => ({ xs: [[1]], ys: [0] }) }, 'test');
    await expect(examples.batch(Int32Array.of(0, 1))).rejects.toThrow(
      'test: data.batch was asked for 2 examples and returned 1',
    );
  });
});
