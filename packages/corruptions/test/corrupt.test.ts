import {
  CORRUPTIONS,
  type CorruptionName,
  corrupt,
  drawFields,
  PRESETS,
  SEVERITIES,
  VALIDATION_CORRUPTIONS,
} from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../test/backends';

vi.setConfig({ testTimeout: 120_000 });

const NAMES: readonly CorruptionName[] = [...CORRUPTIONS, ...VALIDATION_CORRUPTIONS];

/** Levels that differ from pixel to pixel, the same for the same arguments. */
function picture(shape: [number, number, number, number], salt = 0): tf.Tensor4D {
  const [count, height, width, channels] = shape;
  const levels = Int32Array.from({ length: count * height * width * channels }, (_, i) =>
    Math.floor(128 + 127 * Math.sin(i * 0.7 + salt + ((i * i) % 17))),
  );
  return tf.tensor4d(levels, shape, 'int32');
}

/** Inputs and options that any corruption may meet, with sides of up to `side` pixels. */
const settings = (side: number) => ({
  name: fc.constantFrom(...NAMES),
  height: fc.integer({ min: 1, max: side }),
  width: fc.integer({ min: 1, max: side }),
  channels: fc.constantFrom(1, 3),
  preset: fc.constantFrom(...PRESETS),
  severity: fc.integer({ min: 1, max: 5 }),
  seed: fc.nat(),
});

/** The part of tfjs-backend-wasm's `BackendWasm` that is looked at. */
interface Heap {
  readonly wasm: { readonly HEAPU8: Uint8Array };
}

const levels = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

it('there are 15 corruptions, 4 for validation, and five severities of each in three presets', () => {
  expect(CORRUPTIONS).toHaveLength(15);
  expect(VALIDATION_CORRUPTIONS).toHaveLength(4);
  expect(PRESETS).toEqual(['imagenet-c', 'cifar-c', 'tiny-imagenet-c']);
  for (const name of NAMES) for (const preset of PRESETS) expect(SEVERITIES[name][preset]).toHaveLength(5);
});

describe.each(backends)('corrupt on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('keeps shape and dtype, and puts the levels of an int32 result in 0..255', () => {
    const images = picture([2, 9, 13, 3]);
    for (const name of NAMES) {
      const out = corrupt(images, name, { severity: 3, preset: 'cifar-c' });
      expect([name, out.shape, out.dtype]).toEqual([name, [2, 9, 13, 3], 'int32']);
      expect(levels(out).every((level) => Number.isInteger(level) && level >= 0 && level <= 255)).toBe(true);
      out.dispose();
    }
    images.dispose();
  });

  it('a float32 image in 0..1 becomes the same picture over 255', () => {
    const images = picture([1, 12, 10, 3]);
    const floats = tf.div(tf.cast(images, 'float32'), 255) as tf.Tensor4D;
    for (const name of NAMES) {
      const whole = levels(corrupt(images, name, { severity: 2, preset: 'tiny-imagenet-c' }));
      const unit = corrupt(floats, name, { severity: 2, preset: 'tiny-imagenet-c' });
      expect(unit.dtype).toBe('float32');
      expect(levels(unit).map((value) => Math.round(value * 255))).toEqual(whole);
    }
  });

  it('a batch equals its images one by one, whatever the order, and [H, W, C] equals [1, H, W, C]', () => {
    const batch = picture([3, 16, 11, 3]);
    for (const name of NAMES) {
      const options = { severity: 4, preset: 'cifar-c', seed: 7 } as const;
      const together = levels(corrupt(batch, name, { ...options, firstIndex: 40 }));
      const size = together.length / 3;
      for (const i of [2, 0, 1]) {
        const image = tf.squeeze<tf.Tensor3D>(tf.slice(batch, i, 1), [0]);
        const alone = corrupt(image, name, { ...options, firstIndex: 40 + i });
        expect(alone.shape).toEqual([16, 11, 3]);
        expect([name, levels(alone)]).toEqual([name, together.slice(i * size, (i + 1) * size)]);
      }
    }
  });

  it('the same seed gives the same output, another seed or index another one', () => {
    const images = tf.tile(picture([1, 24, 24, 3]), [2, 1, 1, 1]) as tf.Tensor4D;
    const fixed = ['defocus_blur', 'zoom_blur', 'brightness', 'contrast', 'pixelate', 'jpeg_compression'];
    for (const name of NAMES) {
      const draw = (seed: number) => levels(corrupt(images, name, { severity: 3, preset: 'cifar-c', seed }));
      const first = draw(1);
      expect(draw(1)).toEqual(first);
      if ([...fixed, 'gaussian_blur', 'saturate'].includes(name)) expect(draw(2)).toEqual(first);
      else {
        expect([name, draw(2)]).not.toEqual([name, first]);
        expect([name, first.slice(first.length / 2)]).not.toEqual([name, first.slice(0, first.length / 2)]);
      }
    }
  });

  it('drawFields replays what corrupt draws', () => {
    const images = picture([2, 20, 14, 3]);
    for (const name of NAMES) {
      const options = { severity: 5, preset: 'imagenet-c', seed: 3, firstIndex: 9 } as const;
      const fields = drawFields(name, images.shape, options);
      expect(fields).toHaveLength(2);
      const replayed = corrupt(images, name, { ...options, seed: 0, firstIndex: 0, fields });
      expect([name, levels(replayed)]).toEqual([name, levels(corrupt(images, name, options))]);
    }
  });

  it('any size from 1×1, odd and not square, 1 or 3 channels, every preset and severity', () => {
    fc.assert(
      fc.property(
        fc.record({ ...settings(40), postJpeg85: fc.boolean() }),
        ({ name, height, width, channels, ...options }) => {
          const images = picture([1, height, width, channels], options.severity);
          const out = corrupt(images, name, options);
          const values = levels(out);
          tf.dispose([images, out]);
          return (
            values.length === height * width * channels &&
            values.every((level) => Number.isInteger(level) && level >= 0 && level <= 255)
          );
        },
      ),
      { numRuns: 150, seed: 6 },
    );
  });

  it.each([1, 2, 3, 5])('%i pixels a side', (side) => {
    for (const name of NAMES)
      for (const preset of PRESETS)
        for (const channels of [1, 3]) {
          const images = picture([1, side, side, channels]);
          const out = corrupt(images, name, { severity: 5, preset });
          expect([name, levels(out).every((level) => level >= 0 && level <= 255)]).toEqual([name, true]);
          tf.dispose([images, out]);
        }
  });

  it('constant images: what must stay constant does, black stays black under what multiplies', () => {
    for (const level of [0, 255]) {
      const images = tf.fill([1, 21, 18, 3], level, 'int32') as tf.Tensor4D;
      for (const name of NAMES) {
        const out = levels(corrupt(images, name, { severity: 3, preset: 'cifar-c' }));
        const blurs = ['defocus_blur', 'glass_blur', 'motion_blur', 'zoom_blur', 'gaussian_blur'];
        const maps = ['contrast', 'pixelate', 'jpeg_compression', 'elastic_transform', 'saturate'];
        // Rounding may take a white pixel down by one level before it is truncated.
        if ([...blurs, ...maps].includes(name))
          expect([name, out.every((value) => Math.abs(value - level) <= 1)]).toEqual([name, true]);
        if (level === 0 && ['shot_noise', 'speckle_noise', 'fog'].includes(name))
          expect([name, out.every((value) => value === 0)]).toEqual([name, true]);
      }
      images.dispose();
    }
  });

  it('float32 images are the nearest levels, also just below the middle between two', () => {
    const values = Float32Array.of(8454401 / 2 ** 24, 0, 1, 128.5 / 255, 0.5, 1e-9, 254.4999 / 255);
    const images = tf.tensor3d(values, [1, 7, 1]);
    const fields = [{ mask: new Uint8Array(7) }];
    const out = corrupt(images, 'impulse_noise', { severity: 1, preset: 'cifar-c', fields });
    const nearest = Array.from(values, (value) => Math.floor(value * 255 + 0.5));
    expect(Array.from(out.dataSync(), (value) => Math.round(255 * value))).toEqual(nearest);
  });

  it('uniforms of shot_noise in double precision count as they do in the definition; counts without bound are white', () => {
    const images = tf.fill([2, 3, 3], 255, 'int32') as tf.Tensor3D;
    const options = { severity: 3, preset: 'imagenet-c' } as const;
    const uniforms = (u: number) => [{ uniform: new Float64Array(18).fill(u) }];
    const of = (fields: object[]) => levels(corrupt(images, 'shot_noise', { ...options, fields: fields as never }));
    expect(of(uniforms(1 - 2 ** -53))).toEqual(of(uniforms(1 - 2 ** -24)));
    expect(of(uniforms(0.5 - 2 ** -40))).toEqual(of(uniforms(0.5 - 2 ** -24)));
    expect(of([{ counts: new Array(18).fill(2 ** 32) }])).toEqual(new Array(18).fill(255));
  });

  it('fields in the arrays of other libraries', () => {
    const images = picture([1, 2, 3, 3]);
    const options = { severity: 3, preset: 'cifar-c' } as const;
    class Pixels extends Uint8Array {}
    const mask = [0, 1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0];
    const of = (own: ArrayLike<number>) =>
      levels(corrupt(images, 'impulse_noise', { ...options, fields: [{ mask: own }] }));
    expect(of(Pixels.from(mask))).toEqual(of(mask));
  });

  it('images made on another backend', async () => {
    await useBackend(backend === 'cpu' ? 'wasm' : 'cpu');
    const images = picture([2, 6, 7, 3]);
    await useBackend(backend);
    const own = picture([2, 6, 7, 3]);
    const options = { severity: 3, preset: 'cifar-c' } as const;
    expect(levels(corrupt(images, 'contrast', options))).toEqual(levels(corrupt(own, 'contrast', options)));
  });

  it('images made on another backend, so large that the heap of wasm grows to take them', async () => {
    await useBackend(backend);
    const heap = backend === 'wasm' ? (tf.backend() as unknown as Heap).wasm.HEAPU8.length : 3e6;
    await useBackend(backend === 'cpu' ? 'wasm' : 'cpu');
    const side = Math.ceil(Math.sqrt(heap / 12));
    const images = tf.fill([side, side, 3], 200, 'int32') as tf.Tensor3D;
    await useBackend(backend);
    const out = corrupt(images, 'brightness', { severity: 1, preset: 'cifar-c' });
    // 200 + 0.05 · 255 = 212.75
    expect(new Set(out.dataSync())).toEqual(new Set([212]));
    tf.dispose([images, out]);
  });

  it('an empty batch stays empty', () => {
    const out = corrupt(tf.zeros([0, 8, 8, 3], 'int32'), 'fog', { severity: 1, preset: 'cifar-c' });
    expect(out.shape).toEqual([0, 8, 8, 3]);
  });

  it('leaks no tensor', async () => {
    const images = picture([2, 12, 12, 3]);
    for (const name of NAMES)
      expect([
        name,
        await leakedTensors(() =>
          corrupt(images, name, { severity: 3, preset: 'cifar-c', postJpeg85: true }).dispose(),
        ),
      ]).toEqual([name, 0]);
  });
});

/** What SIMD computes with the very numbers of the definition, or so that rounding does not matter. */
const SAME_ON_WASM = new Set<CorruptionName>([
  'gaussian_noise',
  'shot_noise',
  'impulse_noise',
  'glass_blur',
  'frost',
  'fog',
  'brightness',
  'contrast',
  'elastic_transform',
  'pixelate',
  'jpeg_compression',
  'speckle_noise',
  'gaussian_blur',
  'spatter',
  'saturate',
]);

it('on wasm the levels of the definition, which runs on cpu: all of them, or within a level in a few places', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ ...settings(70), port: fc.boolean() }),
      async ({ name, height, width, channels, port, ...given }) => {
        const ported = port && Math.min(height, width) >= 32;
        const options = { ...given, dialect: ported ? 'imagecorruptions' : 'robustness' } as const;
        const shape = [2, height, width, channels] as [number, number, number, number];
        await useBackend('cpu');
        const fields = drawFields(name, shape, options as never);
        const on = async (backend: 'cpu' | 'wasm') => {
          await useBackend(backend);
          const images = picture(shape, options.severity);
          const out = corrupt(images, name, { ...(options as never as { severity: 1; preset: 'cifar-c' }), fields });
          const values = levels(out);
          tf.dispose([images, out]);
          return values;
        };
        const [expected, got] = [await on('cpu'), await on('wasm')];
        const off = expected.map((level, i) => Math.abs(level - got[i]));
        const different = off.filter((distance) => distance > 0).length;
        expect([name, Math.max(...off) <= 1]).toEqual([name, true]);
        expect(different).toBeLessThanOrEqual(SAME_ON_WASM.has(name) ? 0 : Math.max(2, 0.02 * off.length));
      },
    ),
    { numRuns: 400, seed: 11 },
  );
});

describe.each(backends)('corrupt finds on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  // More values than are converted in one go; the last ones fill no vector.
  it.each([0, 5, 4096, 5000, 5048])(
    'the one value that is no level, at place %i, and leaves nothing behind',
    async (place) => {
      const options = { severity: 1, preset: 'cifar-c' } as const;
      const give = (value: number, kind: typeof Int32Array | typeof Float32Array) => () => {
        const values = new kind(33 * 51 * 3);
        values[place] = value;
        const images = tf.tensor3d(values, [33, 51, 3], kind === Int32Array ? 'int32' : 'float32');
        try {
          corrupt(images, 'contrast', options);
        } finally {
          images.dispose();
        }
      };
      for (const value of [-1, 256]) expect(give(value, Int32Array)).toThrow(`must lie in 0..255, got ${value}`);
      for (const value of [Number.NaN, -0.5, 1.5, Number.POSITIVE_INFINITY])
        expect(give(value, Float32Array)).toThrow(`must lie in 0..1, got ${value}`);
      expect(await leakedTensors(() => expect(give(256, Int32Array)).toThrow())).toBe(0);
    },
  );
});

describe('corrupt tells what is wrong with fields', () => {
  beforeAll(() => useBackend('cpu'));
  const image = () => picture([1, 4, 5, 3]);

  it('of the wrong number, size or kind', () => {
    const options = { severity: 1, preset: 'cifar-c' } as const;
    const give = (name: CorruptionName, fields: unknown) => () =>
      corrupt(image(), name, { ...options, fields: fields as never });
    expect(give('gaussian_noise', [])).toThrow('corrupt: fields must be an array of one object per image (1), got 0');
    expect(give('gaussian_noise', null)).toThrow(
      'corrupt: fields must be an array of one object per image (1), got null',
    );
    expect(give('gaussian_noise', { normal: [] })).toThrow('corrupt: fields must be an array of one object per image');
    expect(give('gaussian_noise', [{ normal: [1, 2] }])).toThrow(
      'corrupt: fields[0].normal must hold 60 numbers for 4×5×3 images, got 2',
    );
    expect(give('gaussian_noise', [{}])).toThrow(
      'fields[0].normal must hold 60 numbers for 4×5×3 images, got undefined',
    );
    expect(give('motion_blur', [{ angle: Number.NaN }])).toThrow('fields[0].angle must be a finite number, got NaN');
    expect(give('motion_blur', [{ angle: '30' }])).toThrow("got '30'");
    expect(give('motion_blur', [null])).toThrow('fields[0] must be an object');
  });

  it.each([
    ['gaussian_noise', 'normal', 60, Number.NaN, 'finite numbers'],
    ['shot_noise', 'uniform', 60, 1, 'numbers from 0 to below 1'],
    ['shot_noise', 'counts', 60, -1, 'whole numbers from 0 up'],
    ['impulse_noise', 'mask', 60, 3, 'whole numbers from 0 to 2'],
    ['fog', 'uniform', 63, 1.5, 'numbers from -1 to 1'],
    ['frost', 'texture', 60, 256, 'numbers from 0 to 255'],
    ['spatter', 'normal', 20, Number.POSITIVE_INFINITY, 'finite numbers'],
    ['elastic_transform', 'dx', 20, -2, 'numbers from -1 to 1'],
  ] as const)('of %s outside their range', (name, key, count, value, numbers) => {
    const values = new Array(count).fill(0);
    values[7] = value;
    const rest = name === 'elastic_transform' ? { anchors: new Array(6).fill(0) } : {};
    const fields = [{ ...rest, [key]: values }];
    expect(() => corrupt(image(), name, { severity: 1, preset: 'cifar-c', fields: fields as never })).toThrow(
      `corrupt: fields[0].${key} must hold ${numbers}, got ${value} at place 7`,
    );
  });

  it('of glass_blur that leave the image', () => {
    const options = { severity: 5, preset: 'cifar-c' } as const;
    const fields = drawFields('glass_blur', [8, 9, 3], options);
    (fields[0].offsets as Int8Array)[3] = 1;
    expect(() => corrupt(picture([1, 8, 9, 3]), 'glass_blur', { ...options, fields })).toThrow(
      'corrupt: fields[0].offsets must hold whole numbers from -1 to 0, got 1 at place 3',
    );
  });
});
