import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { cifarCFiles } from '../../src/files/cifar-c';
import { npy } from './npy-bytes';

const PER_SEVERITY = 4;

/** Every value of row r is r, so that a misread row shows. */
function rows(count = 5 * PER_SEVERITY): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(count * 32 * 32 * 3).map((_, i) => Math.floor(i / (32 * 32 * 3)));
  return npy({ shape: [count, 32, 32, 3], data });
}
const labels = (repeats = 5) =>
  npy({
    shape: [repeats * PER_SEVERITY],
    data: Uint8Array.from({ length: repeats * PER_SEVERITY }, (_, i) => i % PER_SEVERITY),
  });
const files = (fog: Uint8Array<ArrayBuffer> = rows(), named = labels()) => [
  { name: 'CIFAR-10-C/README', bytes: new Uint8Array(3) },
  { name: 'CIFAR-10-C/labels.npy', bytes: named },
  { name: 'CIFAR-10-C\\fog.npy', bytes: new Blob([fog]) },
  { name: 'CIFAR-10-C/identity.npy', bytes: rows() },
];

async function read(data: Awaited<ReturnType<typeof cifarCFiles>>, severity: number, batchSize: number) {
  const images: number[] = [];
  const classes: number[] = [];
  for await (const { xs, ys } of data.batches('fog', severity, batchSize)) {
    expect(xs.dtype).toBe('int32');
    images.push(...tf.tidy(() => tf.mean(xs, [1, 2, 3]).arraySync() as number[]));
    classes.push(...(ys as Int32Array));
    xs.dispose();
  }
  return { images, classes };
}

describe('cifarCFiles', () => {
  beforeAll(() => useBackend('cpu'));

  it('finds the rows of every severity, in batches of any size', async () => {
    const data = await cifarCFiles(files());
    expect(data).toMatchObject({ preset: 'cifar-c', corruptions: ['fog'], severities: [1, 2, 3, 4, 5] });
    for (const severity of data.severities)
      for (const batchSize of [1, 3, 4, 100]) {
        const first = (severity - 1) * PER_SEVERITY;
        expect(await read(data, severity, batchSize)).toEqual({
          images: [first, first + 1, first + 2, first + 3],
          classes: [0, 1, 2, 3],
        });
      }
  });

  it('takes the Files of a browser as they are, which have a method bytes of their own', async () => {
    const withBytes = (content: Uint8Array<ArrayBuffer>, name: string) =>
      Object.assign(new File([content], name), { bytes: () => Promise.reject(new Error('reads all at once')) });
    const data = await cifarCFiles([withBytes(labels(), 'labels.npy'), withBytes(rows(), 'fog.npy')]);
    expect((await read(data, 2, 3)).classes).toEqual([0, 1, 2, 3]);
    await expect(cifarCFiles([new File([rows()], 'fog.npy') as never])).rejects.toThrow('labels.npy is missing');
  });

  it('takes labels that are not repeated for the severities', async () => {
    const data = await cifarCFiles(files(rows(), labels(1)));
    expect((await read(data, 4, 3)).classes).toEqual([0, 1, 2, 3]);
  });

  it('keeps no tensor', async () => {
    expect(await leakedTensors(async () => read(await cifarCFiles(files()), 2, 3))).toBe(0);
  });

  it('refuses two data sets in one listing, whose labels would be paired with the images of the other', async () => {
    const other = (name: string, bytes: Uint8Array<ArrayBuffer>) => ({ name: `CIFAR-100-C/${name}`, bytes });
    const [, own, fog] = files();
    for (const listing of [
      [own, fog, other('labels.npy', labels())],
      [own, fog, other('fog.npy', rows())],
      [other('labels.npy', labels()), fog],
      [fog, own, { ...own, name: 'CIFAR-10-C/labels.npy' }],
    ])
      await expect(cifarCFiles(listing)).rejects.toThrow(
        /^cifarCFiles: there are \S+ and \S+; .*give the files of one folder, each once/,
      );
  });

  it('passes over the same files of nothing that it reads', async () => {
    const data = await cifarCFiles([...files(), { name: 'CIFAR-100-C/README', bytes: new Uint8Array(1) }]);
    expect(data.corruptions).toEqual(['fog']);
  });

  it.each([
    [
      'options that there are not',
      () => cifarCFiles(files(), { prset: 'cifar-c' } as never),
      /there is no option 'prset'; did/,
    ],
    [
      'an unknown preset',
      () => cifarCFiles(files(), { preset: 'cifarc' } as never),
      /preset must be .*did you mean 'cifar-c'/,
    ],
    ['options of another kind', () => cifarCFiles(files(), 5 as never), /options must be an object/],
    [
      'files that are none',
      () => cifarCFiles(7 as never),
      /files must be an iterable of \{ name, bytes \}, got number/,
    ],
    ['no files', () => cifarCFiles([]), /no corruption among the files/],
    ['files without a name', () => cifarCFiles([{ bytes: rows() }] as never), /every file must be .* got \{ bytes \}/],
    ['bytes that are none', () => cifarCFiles([{ name: 'fog.npy', bytes: 'x' }] as never), /fog\.npy: bytes must be/],
  ])('refuses %s', async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
    await expect(call()).rejects.toThrow(/^cifarCFiles: /);
  });

  it.each([
    ['no labels', [files()[2]], /labels\.npy is missing/],
    ['no corruption', [files()[1]], /no corruption among the files/],
    ['labels of another set', files(rows(), labels(2)), /20 rows do not fit 8 labels/],
    ['a truncated file', files(rows().slice(0, -1)), /fog\.npy: shape .* needs 61568 bytes, the file has 61567/],
    ['rows that are not five severities', files(rows(19)), /\|u1 of shape \(19, 32, 32, 3\)/],
    ['an array of another rank', files(npy({ shape: [20] })), /shape \(20\)/],
  ])('refuses %s', async (_, given, message) => {
    await expect(cifarCFiles(given)).rejects.toThrow(message);
  });
});
