import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pyTorchWeights, resnet18, writeSafetensors } from '@qgen/models';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '../backend';
import type { TrialResult } from '../folder/result';
import { GRIDS } from '../plan/grids';
import { initialModel } from '../trial/model';
import { openData } from './open-data';

const SIDE = 32;
let folder: string;
/** `train` and `val` with red and blue pictures of several sizes, as ImageNet is laid out. */
let images: string;
beforeAll(async () => {
  await startBackend('wasm');
  folder = mkdtempSync(join(tmpdir(), 'qgen-data-'));
  images = join(folder, 'images');
  for (const split of ['train', 'val'])
    for (const [label, background] of [
      ['blue', { r: 0, g: 0, b: 200 }],
      ['red', { r: 200, g: 0, b: 0 }],
    ] as const) {
      mkdirSync(join(images, split, label), { recursive: true });
      for (let i = 0; i < 8; i++) {
        const size = { width: 40 + 5 * i, height: 64 - 3 * i };
        const picture = sharp({ create: { ...size, channels: 3, background } });
        await picture.png().toFile(join(images, split, label, `${i}.png`));
      }
    }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const request = { corrupted: null, train: null, test: null, imageSize: SIDE, downsample: 1 };

describe('a folder of class folders', () => {
  it('numbers the classes by name, takes them in turns, and crops the middle', async () => {
    const data = await openData({ ...request, data: images });
    expect(data).toMatchObject({ shape: [SIDE, SIDE, 3], classes: 2, preset: 'imagenet-c' });
    expect(data.train.size).toBe(16);
    expect(Array.from(data.train.labels).slice(0, 4)).toEqual([0, 1, 0, 1]);
    const levels = await data.train.levels(Int32Array.of(0, 1));
    expect(levels).toHaveLength(2 * SIDE * SIDE * 3);
    expect([...levels.subarray(0, 3)]).toEqual([0, 0, 200]);
    expect([...levels.subarray(-3)]).toEqual([200, 0, 0]);
  });

  it('has another hash when a file is another', async () => {
    const all = await openData({ ...request, data: images });
    const fewer = await openData({ ...request, data: images, train: 4 });
    expect(fewer.train.size).toBe(4);
    expect(fewer.sha256).not.toBe(all.sha256);
  });

  it('names the file that does not decode', async () => {
    const broken = join(folder, 'broken');
    for (const path of ['train/a', 'train/b', 'val/a', 'val/b']) {
      mkdirSync(join(broken, path), { recursive: true });
      writeFileSync(join(broken, path, 'x.jpg'), 'no picture');
    }
    const data = await openData({ ...request, data: broken });
    await expect(data.train.levels(Int32Array.of(0))).rejects.toThrow(/--data: .*x.jpg can't be decoded/);
  });
});

describe('a checkpoint', () => {
  const setting = { ...GRIDS.quick.base, model: 'resnet18', width: 8, depth: null } as const;
  const checkpoint = async (classes: number) => {
    const model = resnet18({ inputShape: [SIDE, SIDE, 3], classes, stem: 'cifar', width: 8, seed: 7 });
    const file = join(folder, `${classes}.safetensors`);
    writeFileSync(file, writeSafetensors(await pyTorchWeights(model)));
    model.dispose();
    return file;
  };

  it('gives a network of other classes all its weights but those of the head', async () => {
    const data = await openData({ ...request, data: images });
    const trial = { setting, seed: 1, bits: 32 };
    const [fresh, given] = await Promise.all([
      initialModel(trial, data, null),
      initialModel(trial, data, await checkpoint(5)),
    ]);
    const original = resnet18({ inputShape: [SIDE, SIDE, 3], classes: 5, stem: 'cifar', width: 8, seed: 7 });
    const first = (model: typeof fresh) => Array.from(model.getWeights()[0]!.dataSync());
    const head = (model: typeof fresh) => Array.from(model.getLayer('fc').getWeights()[0]!.dataSync());
    expect(first(given)).toEqual(first(original));
    expect(first(given)).not.toEqual(first(fresh));
    expect(head(given)).toEqual(head(fresh));
    for (const model of [fresh, given, original]) model.dispose();
  });

  it('that is of another architecture is one line', async () => {
    const data = await openData({ ...request, data: images });
    const trial = { setting: { ...setting, model: 'mobileNetV1', width: 0.25 } as const, seed: 1, bits: 32 };
    const file = await checkpoint(2);
    await expect(initialModel(trial, data, file)).rejects.toThrow(/--weights: .* does not fit mobileNetV1/);
    const text = join(folder, 'text.safetensors');
    writeFileSync(text, 'no weights');
    await expect(initialModel(trial, data, text)).rejects.toThrow(/--weights: .* is no .safetensors file/);
  });

  it("is fine-tuned by the paper's schedule in float and in 4 bits, from a folder of pictures", async () => {
    const out = join(folder, 'out');
    const study = ['--conditions=@qgen/source', '--import', 'tsx', join(__ROOT__, 'examples/study/study.ts')];
    const options = ['--data', images, '--weights', await checkpoint(2), '--image-size', `${SIDE}`, '--width', '8'];
    const more = ['--bits', '32,4', '--seeds', '1', '--epochs', '4', '--batch-size', '8', '--measure', 'none'];
    const { status, stderr } = spawnSync(process.execPath, [...study, '--out', out, ...options, ...more], {
      cwd: __ROOT__,
      encoding: 'utf8',
    });
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    const results = readFileSync(join(out, 'merged.jsonl'), 'utf8').trim().split('\n');
    const trials = results.map((line) => JSON.parse(line) as TrialResult);
    expect(trials.map(({ bits, outcome }) => [bits, outcome]).sort()).toEqual([
      [32, 'trained'],
      [4, 'trained'],
    ]);
    expect(trials[0]!.setting).toMatchObject({ model: 'resnet18', learningRate: 0.01, milestones: [1, 2, 3] });
  });
});

it('published distorted images are read in place of distorting: CIFAR-10-C', async () => {
  const data = join(folder, 'cifar');
  const corrupted = join(folder, 'cifar-c');
  for (const path of [data, corrupted]) mkdirSync(path);
  for (const file of ['data_batch_1.bin', 'test_batch.bin']) writeFileSync(join(data, file), new Uint8Array(2 * 3073));
  writeFileSync(join(corrupted, 'fog.npy'), npy([10, 32, 32, 3], new Uint8Array(10 * 3072).fill(9)));
  writeFileSync(join(corrupted, 'labels.npy'), npy([10], new Uint8Array(10)));
  const opened = await openData({ ...request, data, corrupted });
  expect(opened.corrupted!.corruptions).toEqual(['fog']);
  for await (const { xs } of opened.corrupted!.batches('fog', 5, 2)) {
    expect(xs.shape).toEqual([2, 32, 32, 3]);
    expect((await tf.max(xs).data())[0]).toBe(9);
    xs.dispose();
  }
  await expect(openData({ ...request, data, corrupted: folder })).rejects.toThrow(/^--corrupted: /);
});

/** A .npy file of bytes: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. */
function npy(shape: readonly number[], values: Uint8Array): Uint8Array {
  const dictionary = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const header = dictionary.padEnd(128 - 11, ' ');
  const bytes = Uint8Array.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length + 1, 0]);
  return Buffer.concat([bytes, Buffer.from(`${header}\n`), values]);
}
