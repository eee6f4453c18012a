import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../test/backends';
import { corrupt } from '../src/corrupt';
import type { CorruptedData } from '../src/corrupted-data';
import { type CorruptionProgress, corruptionReport } from '../src/evaluate';
import type { CorruptionName } from '../src/severities';

const CLASSES = 3;
const N = 17;

/** Images whose brightest third tells the class, so that a blur or noise changes some answers. */
function examples(dtype: 'int32' | 'float32' = 'float32') {
  const ys = Int32Array.from({ length: N }, (_, i) => (i * 7) % CLASSES);
  const levels = Int32Array.from({ length: N * 8 * 9 * 3 }, (_, at) => {
    const [i, column] = [Math.floor(at / 216), Math.floor(at / 3) % 9];
    return Math.floor(column / 3) === ys[i] ? 150 + ((at * 31) % 90) : 100 + ((at * 17) % 80);
  });
  const xs =
    dtype === 'int32'
      ? tf.tensor4d(levels, [N, 8, 9, 3], 'int32')
      : tf.tensor4d(
          Float32Array.from(levels, (level) => level / 255),
          [N, 8, 9, 3],
        );
  return { xs, ys };
}

/** Logits: the mean of each third of the image, scaled. */
const thirds = {
  forward: (x: tf.Tensor) =>
    tf.mul(tf.mean(tf.reshape(tf.cast(x, 'float32'), [-1, 8, 3, 3, 3]), [1, 3, 4]), x.dtype === 'int32' ? 0.1 : 25),
};

/** Loss and error of `thirds` by the definitions, with plain arithmetic. */
function byHand(xs: tf.Tensor, ys: ArrayLike<number>) {
  const logits = tf.tidy(() => thirds.forward(xs).arraySync() as number[][]);
  const losses = logits.map((z, i) => Math.log(z.reduce((sum, v) => sum + Math.exp(v), 0)) - z[ys[i]]);
  const loss = losses.reduce((sum, value) => sum + value) / losses.length;
  const variance = losses.reduce((sum, value) => sum + (value - loss) ** 2, 0) / (losses.length - 1);
  const correct = logits.filter((z, i) => z.indexOf(Math.max(...z)) === ys[i]).length;
  return { loss, standardError: Math.sqrt(variance / losses.length), accuracy: correct / losses.length };
}

describe.each(backends)('corruptionReport on %s', (backend) => {
  let clean: ReturnType<typeof examples>;
  beforeAll(async () => {
    await useBackend(backend);
    clean = examples();
  });
  afterAll(() => clean.xs.dispose());

  const options = {
    corruptions: ['gaussian_noise', 'contrast'],
    severities: [1, 4],
    preset: 'cifar-c',
    seed: 3,
  } as const;

  it('gives loss, accuracy and gap with their standard errors', async () => {
    const report = await corruptionReport(thirds, clean, {
      ...options,
      trainLoss: { loss: 0.25, standardError: 0.03 },
    });
    expect(report.results.map(({ corruption, severity }) => [corruption, severity])).toEqual([
      ['gaussian_noise', 1],
      ['gaussian_noise', 4],
      ['contrast', 1],
      ['contrast', 4],
    ]);
    for (const { corruption, severity, ...result } of report.results) {
      const corrupted = corrupt(clean.xs, corruption, { severity, preset: 'cifar-c', seed: 3 });
      const expected = byHand(corrupted, clean.ys);
      corrupted.dispose();
      expect(result.examples).toBe(N);
      expect(result.loss).toBeCloseTo(expected.loss, 4);
      expect(result.lossStandardError).toBeCloseTo(expected.standardError, 4);
      expect(result.accuracy).toBeCloseTo(expected.accuracy, 10);
      const p = expected.accuracy;
      expect(result.accuracyStandardError).toBeCloseTo(Math.sqrt((p * (1 - p)) / (N - 1)), 10);
      expect(result.gap).toBeCloseTo(expected.loss - 0.25, 4);
      expect(result.gapStandardError).toBeCloseTo(Math.hypot(expected.standardError, 0.03), 4);
    }
    expect(report.clean.loss).toBeCloseTo(byHand(clean.xs, clean.ys).loss, 4);
    expect(report.clean.gap).toBeCloseTo(report.clean.loss - 0.25, 10);
  });

  it('does not depend on the batch size, nor on the form of the data', async () => {
    const dataset = {
      iterator: async () => {
        let i = 0;
        return {
          next: async () => {
            const size = Math.min(5, N - i);
            if (size <= 0) return { done: true as const, value: undefined };
            const xs = tf.slice(clean.xs, [i, 0, 0, 0], [size, 8, 9, 3]);
            const ys = tf.oneHot(tf.tensor1d(clean.ys.subarray(i, i + size), 'int32'), CLASSES);
            i += size;
            return { done: false as const, value: { xs, ys } };
          },
        };
      },
    };
    function* batches() {
      for (let i = 0; i < N; i += 4) {
        const size = Math.min(4, N - i);
        yield { xs: tf.slice(clean.xs, [i, 0, 0, 0], [size, 8, 9, 3]), ys: clean.ys.subarray(i, i + size) };
      }
    }
    const reference = await corruptionReport(thirds, clean, options);
    for (const other of [
      await corruptionReport(thirds, clean, { ...options, batchSize: 1 }),
      await corruptionReport(thirds, clean, { ...options, batchSize: 16 }),
      await corruptionReport(thirds, dataset, options),
      await corruptionReport(thirds, batches, options),
    ])
      for (const [i, result] of other.results.entries()) {
        expect(result.loss).toBeCloseTo(reference.results[i].loss, 5);
        expect(result.accuracy).toBe(reference.results[i].accuracy);
      }
  });

  it('reads a LayersModel, whose images arrive as float32', async () => {
    const int = examples('int32');
    const model = layers.sequential({
      layers: [
        layers.layers.flatten({ inputShape: [8, 9, 3] }),
        layers.layers.dense({ units: CLASSES, activation: 'softmax' }),
      ],
    });
    for (const data of [clean, int]) {
      const report = await corruptionReport(model, data, options);
      expect(report.results.every(({ loss }) => Number.isFinite(loss))).toBe(true);
    }
    model.dispose();
    int.xs.dispose();
  });

  it('leaves no tensor behind, also when it is aborted or fails', async () => {
    const run = (more: object) => corruptionReport(thirds, clean, { ...options, batchSize: 4, ...more });
    expect(await leakedTensors(() => run({}))).toBe(0);
    const stop = new AbortController();
    const onProgress = ({ done, examples }: CorruptionProgress) => {
      if (done === 2 && examples > 4) stop.abort(new Error('enough'));
    };
    expect(await leakedTensors(() => expect(run({ onProgress, signal: stop.signal })).rejects.toThrow('enough'))).toBe(
      0,
    );
    const preprocess = (images: tf.Tensor) => {
      if (tf.max(images).dataSync()[0] > 0) throw new Error('preprocess failed');
      return images;
    };
    expect(await leakedTensors(() => expect(run({ preprocess })).rejects.toThrow('preprocess failed'))).toBe(0);
  });

  it('holds one batch at a time', async () => {
    let most = 0;
    const before = tf.memory().numBytes;
    const forward = (x: tf.Tensor) => {
      most = Math.max(most, tf.memory().numBytes - before);
      return thirds.forward(x);
    };
    await corruptionReport({ forward }, clean, { ...options, batchSize: 2 });
    const batchBytes = 2 * 8 * 9 * 3 * 4;
    expect(most).toBeLessThan(8 * batchBytes);
  });
});

describe('corruptionReport', () => {
  let clean: ReturnType<typeof examples>;
  beforeAll(async () => {
    await useBackend('cpu');
    clean = examples();
  });
  afterAll(() => clean.xs.dispose());

  const few = { corruptions: ['contrast', 'pixelate', 'saturate'], severities: [2], seed: 1 } as const;

  it('normalizes by AlexNet for imagenet-c only, and says so', async () => {
    const imagenet = await corruptionReport(thirds, clean, { ...few, preset: 'imagenet-c' });
    const [contrast, pixelate, saturate] = imagenet.summary;
    expect(contrast.ce).toBeCloseTo(contrast.error / 0.7615, 12);
    expect(pixelate.ce).toBeCloseTo(pixelate.error / 0.5462, 12);
    expect(saturate.ce).toBeUndefined();
    expect(imagenet.overall).toMatchObject({ corruptions: 2, severities: [2], complete: false });
    expect(imagenet.overall!.mCE).toBeCloseTo((contrast.ce! + pixelate.ce!) / 2, 12);
    expect(imagenet.overall!.meanError).toBeCloseTo((contrast.error + pixelate.error) / 2, 12);
    expect(imagenet.toMarkdown()).toMatch(/mCE, normalized by AlexNet/);
    expect(imagenet.toMarkdown()).toMatch(/2 of 15 corruptions, severities 2: not comparable/);

    for (const preset of ['cifar-c', 'tiny-imagenet-c'] as const) {
      const report = await corruptionReport(thirds, clean, { ...few, preset });
      expect(report.overall).not.toHaveProperty('mCE');
      expect(report.overall).not.toHaveProperty('relativeMCE');
      expect(report.toMarkdown()).toMatch(/Mean corruption error, not normalized/);
      expect(report.toMarkdown()).not.toMatch(/mCE|AlexNet|\bCE\b/);
    }
  });

  it('has no overall figure of validation corruptions alone', async () => {
    const report = await corruptionReport(thirds, clean, { ...few, corruptions: ['saturate'], preset: 'imagenet-c' });
    expect(report.overall).toBeUndefined();
    expect(report.summary).toHaveLength(1);
  });

  it('writes JSON that holds every number, and a Markdown table row per corruption', async () => {
    const report = await corruptionReport(thirds, clean, { ...few, preset: 'cifar-c', trainLoss: 0.5 });
    const json = JSON.parse(JSON.stringify(report));
    expect(json).toEqual(JSON.parse(JSON.stringify(report.toJSON())));
    expect(json.results).toHaveLength(3);
    expect(json).toMatchObject({ preset: 'cifar-c', seed: 1, trainLoss: 0.5, clean: { examples: N } });
    const lines = report.toMarkdown().split('\n');
    for (const name of few.corruptions) expect(lines.filter((line) => line.startsWith(`| ${name} |`))).toHaveLength(2);
    expect(lines).toContain('## Gap: corrupted test loss − clean training loss (nats)');
  });

  it('evaluates corrupted files on the same path, in the range of the clean images', async () => {
    const int = examples('int32');
    const files: CorruptedData = {
      source: 'files',
      preset: 'cifar-c',
      corruptions: ['contrast'],
      severities: [1, 2],
      async *batches(corruption: CorruptionName, severity: number) {
        yield { xs: corrupt(int.xs, corruption, { severity, preset: 'cifar-c' }), ys: int.ys };
      },
    };
    const fromFiles = await corruptionReport(thirds, clean, { corrupted: files });
    const onTheFly = await corruptionReport(thirds, clean, {
      corruptions: ['contrast'],
      severities: [1, 2],
      preset: 'cifar-c',
    });
    expect(fromFiles.results.map(({ severity }) => severity)).toEqual([1, 2]);
    for (const [i, { loss, accuracy }] of fromFiles.results.entries()) {
      expect(loss).toBeCloseTo(onTheFly.results[i].loss, 5);
      expect(accuracy).toBe(onTheFly.results[i].accuracy);
    }
    expect(await leakedTensors(() => corruptionReport(thirds, clean, { corrupted: files }))).toBe(0);
    await expect(corruptionReport(thirds, clean, { corrupted: files, preset: 'imagenet-c' })).rejects.toThrow(
      /preset is imagenet-c, but files are of cifar-c/,
    );
    await expect(corruptionReport(thirds, clean, { corrupted: files, corruptions: ['fog'] })).rejects.toThrow(
      /corruptions has fog, but files offer contrast/,
    );
    int.xs.dispose();
  });

  it('hands dialect, textures and postJpeg85 on to corrupt', async () => {
    const textures = [{ height: 9, width: 9, data: new Uint8Array(9 * 9 * 3).fill(250) }];
    const more = { textures, postJpeg85: true, dialect: 'imagecorruptions' } as const;
    const report = await corruptionReport(thirds, clean, {
      preset: 'imagenet-c',
      corruptions: ['frost', 'contrast'],
      severities: [3],
      seed: 5,
      ...more,
    });
    for (const { corruption, loss } of report.results) {
      const corrupted = corrupt(clean.xs, corruption, { severity: 3, preset: 'imagenet-c', seed: 5, ...more });
      expect(loss).toBeCloseTo(byHand(corrupted, clean.ys).loss, 5);
      corrupted.dispose();
    }
  });

  it('reports its progress, one stage after the other', async () => {
    const seen: CorruptionProgress[] = [];
    await corruptionReport(thirds, clean, {
      ...few,
      preset: 'cifar-c',
      batchSize: 10,
      onProgress: (p) => seen.push(p),
    });
    expect(seen.map(({ stage, done, examples, total }) => [stage, done, examples, total])).toEqual([
      ['clean', 0, 10, 4],
      ['clean', 0, 17, 4],
      ['contrast', 1, 10, 4],
      ['contrast', 1, 17, 4],
      ['pixelate', 2, 10, 4],
      ['pixelate', 2, 17, 4],
      ['saturate', 3, 10, 4],
      ['saturate', 3, 17, 4],
    ]);
  });

  it('counts NaN outputs as wrong and lets their loss be NaN', async () => {
    const broken = { forward: (x: tf.Tensor) => tf.mul(thirds.forward(x), Number.NaN) };
    const report = await corruptionReport(broken, clean, { ...few, preset: 'cifar-c' });
    expect(report.clean.accuracy).toBe(0);
    expect(report.clean.loss).toBeNaN();
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'no preset',
      () => corruptionReport(thirds, clean),
      /preset must be one of imagenet-c, cifar-c, tiny-imagenet-c, got undefined/,
    ],
    [
      'an unknown corruption',
      () => corruptionReport(thirds, clean, { preset: 'cifar-c', corruptions: ['rain' as 'fog'] }),
      /corruptions has rain/,
    ],
    [
      'an unknown severity',
      () => corruptionReport(thirds, clean, { preset: 'cifar-c', severities: [0] }),
      /severities has 0/,
    ],
    [
      'a batch size of 0',
      () => corruptionReport(thirds, clean, { preset: 'cifar-c', batchSize: 0 }),
      /batchSize must be a positive integer, got 0/,
    ],
    [
      'labels that are no class',
      () => corruptionReport(thirds, { xs: clean.xs, ys: clean.ys.map(() => 3) }, { preset: 'cifar-c' }),
      /label 3 is none of the model's 3 classes/,
    ],
    [
      'another number of labels',
      () => corruptionReport(thirds, { xs: clean.xs, ys: [1, 2] }, { preset: 'cifar-c' }),
      /17 images but 2 labels/,
    ],
    ['no images', () => corruptionReport(thirds, () => [], { preset: 'cifar-c' }), /there are no images for clean/],
    [
      'a model without classes',
      () => corruptionReport({ forward: (x: tf.Tensor) => tf.mean(x, [1, 2, 3]) }, clean, { preset: 'cifar-c' }),
      /must return one tensor \[17, classes\] for 17 images, got \[17\]/,
    ],
    [
      'data of another form',
      () => corruptionReport(thirds, 5 as never, { preset: 'cifar-c' }),
      /clean must be \{ xs, ys \}, a function that returns batches, or a Dataset/,
    ],
  ])('refuses %s', async (_, run, message) => {
    await expect(run()).rejects.toThrow(message);
  });
});
