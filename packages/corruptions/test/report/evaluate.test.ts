import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { displayOf } from '../../../../test/display';
import { version } from '../../package.json';
import { corrupt } from '../../src/corrupt';
import { CORRUPTIONS, type CorruptionName } from '../../src/options/severities';
import type { CorruptedData } from '../../src/report/corrupted-data';
import { corruptionReport } from '../../src/report/corruption-report';
import type { CorruptionProgress, CorruptionReportOptions } from '../../src/report/report-options';

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
    const { markdown, html } = displayOf(report);
    expect(`${markdown}\n`).toBe(report.toMarkdown());
    expect(html).toContain('<td style="text-align:left">contrast</td>');
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
    const more = { textures, postJpeg85: true, dialect: 'robustness' } as const;
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

  it('says how the images were made: by version, preset, seed, dialect, textures, JPEG and parameters', async () => {
    const textures = [{ height: 1, width: 2, data: [102, 111, 111, 98, 97, 114] }];
    const report = await corruptionReport(thirds, clean, {
      preset: 'tiny-imagenet-c',
      corruptions: ['frost', 'contrast'],
      severities: [2],
      seed: 5,
      postJpeg85: true,
      textures,
    });
    const made = {
      version,
      preset: 'tiny-imagenet-c',
      source: 'images corrupted on the fly',
      seed: 5,
      dialect: 'robustness',
      // The bytes of "foobar" and their FNV-1a, as the authors of the hash list it among their tests.
      textures: [{ height: 1, width: 2, hash: 'bf9cf968' }],
      postJpeg85: true,
      imageShape: [8, 9, 3],
      output: 'logits',
    };
    expect(report).toMatchObject(made);
    expect(JSON.parse(JSON.stringify(report))).toMatchObject(made);
    expect(report.results.map(({ parameters }) => parameters)).toEqual([[0.9, 0.4], 0.3]);
    expect(report.toMarkdown()).toContain(
      `Made by @qgen/corruptions ${version}, outputs read as logits; parameters of tiny-imagenet-c, seed 5, dialect robustness, textures of frost 1×2 bf9cf968, JPEG of quality 85 after`,
    );
  });

  it('says what sets its figures apart from the published ones', async () => {
    const of = async (options: CorruptionReportOptions, data = clean) =>
      (await corruptionReport(thirds, data, { ...few, ...options })).deviations;
    const partial = 'not all 15 corruptions at 5 severities were evaluated';
    const small = (published: string) => `the images are 8×9×3, the published ones ${published}`;
    const anew = 'the images are corrupted anew, by seed 1, and are not the published files';
    const noJpeg = 'the images did not go through JPEG of quality 85, which the published files did';
    expect(await of({ preset: 'cifar-c' })).toEqual([partial, small('32×32×3'), anew]);
    expect(await of({ preset: 'cifar-c', postJpeg85: true })).toEqual([
      partial,
      small('32×32×3'),
      anew,
      'the images went through JPEG of quality 85, which the published files did not',
    ]);
    expect(await of({ preset: 'imagenet-c' })).toEqual([partial, small('224×224×3'), anew, noJpeg]);
    expect(await of({ preset: 'imagenet-c', postJpeg85: true, corruptions: ['frost'] })).toEqual([
      partial,
      small('224×224×3'),
      anew,
      'the textures of frost are synthetic, the published ones are photos',
    ]);
    const report = await corruptionReport(thirds, clean, { ...few, preset: 'imagenet-c' });
    expect(report.toMarkdown()).toContain(`- Apart from the published benchmark: ${report.deviations.join('; ')}`);
  });

  it('tells the dialect that the size of the images decides, and its parameters where they have any', async () => {
    const xs = tf.fill([2, 36, 36, 3], 0.5);
    const net = { forward: (x: tf.Tensor) => tf.mean(x, [1, 2]) };
    const options = {
      corruptions: ['motion_blur', 'elastic_transform'],
      severities: [1],
      preset: 'imagenet-c',
    } as const;
    const report = await corruptionReport(net, { xs, ys: [0, 1] }, options);
    expect(report.dialect).toBe('imagecorruptions');
    expect(report.results.map(({ parameters }) => parameters)).toEqual([[10, 3], undefined]);
    expect(report.deviations).toContain(
      'the images are corrupted as imagecorruptions does, the published files as hendrycks/robustness does',
    );
    const told = await corruptionReport(net, { xs, ys: [0, 1] }, { ...options, dialect: 'robustness' });
    expect(told.dialect).toBe('robustness');
    expect(told.results[1].parameters).toEqual([488, 170.8, 24.4]);
    xs.dispose();

    const sizes = () => [20, 36].map((side) => ({ xs: tf.fill([1, side, side, 3], 0.5), ys: [0] }));
    const various = await corruptionReport(net, sizes, { ...options, corruptions: ['contrast'] });
    expect(various).toMatchObject({ dialect: 'various', imageShape: 'various' });
  });

  it('is complete with all 15 corruptions at 5 severities, which does not make it that of published files', async () => {
    const xs = tf.fill([1, 2, 2, 3], 0.5);
    const net = { forward: (x: tf.Tensor) => tf.mean(x, [1, 2]) };
    const report = await corruptionReport(net, { xs, ys: [0] }, { preset: 'cifar-c' });
    expect(report.overall!.complete).toBe(true);
    expect(report.deviations).toEqual([
      'the images are 2×2×3, the published ones 32×32×3',
      'the images are corrupted anew, by seed 0, and are not the published files',
      'the textures of frost are synthetic, the published ones are photos',
    ]);
    xs.dispose();
  });

  it('knows nothing of how files were made, and does not claim it', async () => {
    const files = (shape: readonly [number, number, number, number]): CorruptedData => ({
      source: 'files in the layout of CIFAR-C',
      preset: 'cifar-c',
      corruptions: CORRUPTIONS,
      severities: [1, 2, 3, 4, 5],
      async *batches() {
        yield { xs: tf.fill([...shape], 100, 'int32'), ys: [0] };
      },
    });
    const net = { forward: (x: tf.Tensor) => tf.mean(x, [1, 2]) };
    const data = { xs: tf.fill([1, 32, 32, 3], 100, 'int32'), ys: [0] };
    const report = await corruptionReport(net, data, { corrupted: files([1, 32, 32, 3]) });
    for (const name of ['seed', 'dialect', 'textures', 'postJpeg85']) expect(report).not.toHaveProperty(name);
    expect(report.results.every((result) => !('parameters' in result))).toBe(true);
    expect(report.deviations).toEqual([]);
    expect(report.toMarkdown()).toMatch(
      /nothing that is known; whether the files are the published ones was not checked/,
    );
    expect(report.toMarkdown()).not.toMatch(/seed \d/);
    const odd = await corruptionReport(net, data, { corrupted: files([1, 16, 16, 3]) });
    expect(odd.deviations).toEqual(['the images are of various sizes, the published ones 32×32×3']);
    data.xs.dispose();
  });

  it('says which way is good', async () => {
    const markdown = (await corruptionReport(thirds, clean, { ...few, preset: 'imagenet-c' })).toMarkdown();
    expect(markdown).toContain('Higher is better; of mean error, CE and relative CE lower is.');
    expect(markdown).toContain('## Loss (nats)\n\nLower is better.');
  });

  it('takes images as bytes with the shape of one, as a dataset holds them', async () => {
    const levels = Uint8Array.from({ length: 3 * 8 * 9 * 3 }, (_, i) => (i * 31) % 256);
    const xs = tf.tensor4d(Int32Array.from(levels), [3, 8, 9, 3], 'int32');
    const options = { ...few, preset: 'cifar-c' } as const;
    const expected = await corruptionReport(thirds, { xs, ys: [0, 1, 2] }, options);
    const bytes = await corruptionReport(thirds, { xs: levels, ys: [0, 1, 2], shape: [8, 9, 3] }, options);
    expect(bytes.results).toEqual(expected.results);
    xs.dispose();
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

  it('takes one sigmoid, or its logit, as two classes', async () => {
    const logit = (x: tf.Tensor) => tf.slice(tf.sub(thirds.forward(x), 12), [0, 0], [-1, 1]);
    const two = { forward: (x: tf.Tensor) => tf.concat([tf.zerosLike(logit(x)), logit(x)], 1) };
    const options = { ...few, preset: 'cifar-c' } as const;
    const binary = { xs: clean.xs, ys: Array.from(clean.ys, (y) => y % 2) };
    const { clean: expected, results } = await corruptionReport(two, binary, options);
    const models = [
      { forward: logit, output: 'binaryLogits' },
      { forward: (x: tf.Tensor) => tf.squeeze(logit(x), [1]), output: 'binaryLogits' },
      { forward: (x: tf.Tensor) => tf.sigmoid(logit(x)), output: 'binaryProbability' },
    ] as const;
    for (const model of models) {
      const report = await corruptionReport(model, binary, options);
      expect(report.output).toBe(model.output);
      expect(report.clean.accuracy).toBe(expected.accuracy);
      expect(report.clean.loss).toBeCloseTo(expected.loss, 4);
      for (const [i, { loss }] of report.results.entries()) expect(loss).toBeCloseTo(results[i].loss, 4);
    }
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
      /preset must be 'imagenet-c' or 'cifar-c' or 'tiny-imagenet-c', got undefined/,
    ],
    [
      'an unknown corruption',
      () => corruptionReport(thirds, clean, { preset: 'cifar-c', corruptions: ['rain' as 'fog'] }),
      /unknown corruption 'rain'; there are /,
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
      /there are 17 inputs and 2 labels/,
    ],
    ['no images', () => corruptionReport(thirds, () => [], { preset: 'cifar-c' }), /the data hold no example/],
    [
      'a model without classes',
      () => corruptionReport({ forward: (x: tf.Tensor) => tf.mean(x, [1, 2, 3]) }, clean, { preset: 'cifar-c' }),
      /must return one tensor \[17, classes\] for 17 images, got \[17\]/,
    ],
    [
      'data of another form',
      () => corruptionReport(thirds, 5 as never, { preset: 'cifar-c' }),
      /data must be \{ xs, ys \}, .* a tf.data.Dataset .* got 5/,
    ],
  ])('refuses %s', async (_, run, message) => {
    await expect(run()).rejects.toThrow(message);
  });
});
