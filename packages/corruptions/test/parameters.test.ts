import {
  type CorruptionName,
  corrupt,
  drawFields,
  type ParametersOf,
  PRESETS,
  SEVERITIES,
  VALIDATION_CORRUPTIONS,
} from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { backends, useBackend } from '../../../test/backends';
import { DEFINITIONS } from '../src/definitions';
import { NAMES } from '../src/options/severities';

vi.setConfig({ testTimeout: 120_000 });

const levels = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

function picture(height: number, width: number, channels = 3, salt = 0): tf.Tensor3D {
  const values = Int32Array.from({ length: height * width * channels }, (_, i) =>
    Math.floor(128 + 127 * Math.sin(i * 0.7 + salt + ((i * i) % 17))),
  );
  return tf.tensor3d(values, [height, width, channels], 'int32');
}

describe.each(backends)('parameters of your own on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('those of a severity give what the severity gives', () => {
    const image = picture(35, 33);
    for (const name of NAMES)
      for (const preset of PRESETS)
        for (const severity of [1, 4] as const) {
          const dialect = 'robustness' as const;
          const fields = drawFields(name, image.shape, { severity, preset, dialect, seed: 3 });
          const parameters = SEVERITIES[name][preset][severity - 1] as never;
          const own = corrupt(image, name, { parameters, preset, fields });
          const published = corrupt(image, name, { severity, preset, fields, dialect });
          expect([name, preset, severity, levels(own)]).toEqual([name, preset, severity, levels(published)]);
          tf.dispose([own, published]);
        }
  });

  it('stand alone: no severity, no preset', () => {
    const image = tf.tensor3d([0, 100, 200], [1, 3, 1], 'int32');
    // The mean is 100: (0 − 100) / 2 + 100 = 50, 100, 150; in float64 200/255 and 100/255 leave no tie here.
    const [low, , high] = levels(corrupt(image, 'contrast', { parameters: 0.5 }));
    expect([low, high]).toEqual([50, 150]);
    // 0.1 · 255 = 25.5 more, truncated
    expect(levels(corrupt(image, 'brightness', { parameters: 0.1 }))).toEqual([25, 125, 225]);
    expect(levels(corrupt(image, 'brightness', { parameters: -0.5 }))).toEqual([0, 0, 72]);
  });

  it('a fraction of a photon is a rate as any other: 2.5 photons at white leave the levels 0, 102, 204 and 255', () => {
    const image = tf.fill([40, 40, 3], 128, 'int32') as tf.Tensor3D;
    const seen = levels(corrupt(image, 'shot_noise', { parameters: 2.5 }));
    // floor(255 k / 2.5) = 102 k
    expect([...new Set(seen)].sort((a, b) => a - b)).toEqual([0, 102, 204, 255]);
    // P(K = 0) = exp(−2.5 · 128 / 255) = 0.285; of 4800 values, with a standard error of 0.007
    expect(Math.abs(seen.filter((level) => level === 0).length / seen.length - 0.285)).toBeLessThan(0.025);
    const counts = [{ counts: new Array(4800).fill(3) }];
    expect(new Set(levels(corrupt(image, 'shot_noise', { parameters: 2.5, fields: counts })))).toEqual(new Set([255]));
  });

  it('draw by the seed, apart from the severities', () => {
    const shape = [8, 8, 3];
    const own = (seed: number) => Array.from(drawFields('speckle_noise', shape, { parameters: 0.3, seed })[0].normal);
    expect(own(1)).toEqual(own(1));
    expect(own(1)).not.toEqual(own(2));
    for (const severity of [1, 2, 3, 4, 5])
      expect(
        Array.from(drawFields('speckle_noise', shape, { severity, preset: 'cifar-c', seed: 1 })[0].normal),
      ).not.toEqual(own(1));
  });
});

/** Parameters within their ranges, of sizes that do not take long. */
const ANY: { readonly [N in CorruptionName]: fc.Arbitrary<ParametersOf[N]> } = {
  gaussian_noise: within(0, 3),
  shot_noise: within(0.01, 700),
  impulse_noise: within(0, 1),
  defocus_blur: fc.tuple(within(0, 14), within(0.001, 3)),
  glass_blur: fc.tuple(within(0, 3), fc.integer({ min: 1, max: 127 }), fc.integer({ min: 1, max: 4 })),
  motion_blur: fc.tuple(within(0, 40), within(0.001, 30)),
  zoom_blur: fc.tuple(within(0, 1), fc.integer({ min: 1, max: 30 })),
  snow: fc.tuple(
    within(-2, 2),
    within(0, 2),
    within(1, 8),
    within(-2, 2),
    within(0, 20),
    within(0.001, 20),
    within(0, 1),
  ),
  frost: fc.tuple(within(0, 2), within(0, 2)),
  fog: fc.tuple(within(0.001, 5), within(1, 4)),
  brightness: within(-1, 1),
  contrast: within(0, 5),
  elastic_transform: fc.tuple(within(0, 300), within(0, 12), within(0, 60)),
  pixelate: within(0.001, 1),
  jpeg_compression: fc.integer({ min: 1, max: 100 }),
  speckle_noise: within(0, 3),
  gaussian_blur: within(0, 9),
  spatter: fc.tuple(
    within(-1, 2),
    within(0, 1),
    within(0, 5),
    within(-1, 2),
    within(0, 3),
    fc.integer({ min: 0, max: 1 }),
  ),
  saturate: fc.tuple(within(0, 30), within(-1, 1)),
};

function within(min: number, max: number) {
  return fc.double({ min, max, noNaN: true });
}

/** Within a level in a few places, where float32 rounds the other way. */
const NEARLY = ['motion_blur', 'zoom_blur', 'snow', 'defocus_blur'];

it('on wasm the levels of the definition, which runs on cpu, for parameters anywhere in their ranges', async () => {
  const given = fc
    .constantFrom(...NAMES)
    .chain((name) => fc.record({ name: fc.constant(name), parameters: ANY[name] as fc.Arbitrary<unknown> }));
  await fc.assert(
    fc.asyncProperty(
      given,
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(1, 3),
      fc.nat(),
      async ({ name, parameters }, height, width, channels, seed) => {
        const options = { parameters: parameters as never, seed };
        await useBackend('cpu');
        const fields = drawFields(name, [height, width, channels], options);
        const on = async (backend: 'cpu' | 'wasm') => {
          await useBackend(backend);
          const image = picture(height, width, channels, seed % 7);
          const out = corrupt(image, name, { ...options, fields });
          const values = levels(out);
          tf.dispose([image, out]);
          return values;
        };
        const [expected, got] = [await on('cpu'), await on('wasm')];
        const off = expected.map((level, i) => Math.abs(level - got[i])).filter((distance) => distance > 0);
        const few = NEARLY.includes(name) ? Math.max(2, 0.05 * expected.length) : 0;
        expect([name, Math.max(0, ...off) <= 1, off.length <= few]).toEqual([name, true, true]);
      },
    ),
    { numRuns: 400, seed: 12 },
  );
});

it('on wasm the levels of the definition at the ends of all ranges', async () => {
  for (const name of NAMES) {
    const ends = Object.values(DEFINITIONS[name].parameterRules).map(({ numbers }) =>
      /from (\S+) to (\S+)$/.exec(numbers)!.slice(1).map(Number),
    );
    for (let choice = 0; choice < 2 ** ends.length; choice++) {
      const values = ends.map((end, i) => end[(choice >> i) & 1]);
      const parameters = (values.length === 1 ? values[0] : values) as never;
      await useBackend('cpu');
      const fields = drawFields(name, [5, 6, 3], { parameters, seed: choice });
      const on = async (backend: 'cpu' | 'wasm') => {
        await useBackend(backend);
        const image = picture(5, 6);
        const out = corrupt(image, name, { parameters, fields });
        const seen = levels(out);
        tf.dispose([image, out]);
        return seen;
      };
      const expected = await on('cpu');
      expect([name, values, await on('wasm')]).toEqual([name, values, expected]);
    }
  }
});

describe('parameters that are none', () => {
  beforeAll(() => useBackend('cpu'));
  const image = () => picture(4, 5);
  const call =
    (name: CorruptionName, parameters: unknown, more: object = {}) =>
    () =>
      corrupt(image(), name, { parameters: parameters as never, ...more });

  it.each<[CorruptionName, readonly unknown[]]>([
    ['gaussian_noise', [-0.1, 1001, Number.NaN, Number.POSITIVE_INFINITY]],
    ['shot_noise', [0, 0.001, 10001, Number.NaN]],
    ['impulse_noise', [-0.1, 1.1]],
    [
      'defocus_blur',
      [
        [-1, 0.5],
        [257, 0.5],
        [3, 0],
        [3, Number.NaN],
      ],
    ],
    [
      'glass_blur',
      [
        [-1, 1, 1],
        [1, 0, 1],
        [1, 128, 1],
        [1, 1.5, 1],
        [1, 1, 0],
        [1, 1, 101],
      ],
    ],
    [
      'motion_blur',
      [
        [-1, 1],
        [1001, 1],
        [1, 0],
      ],
    ],
    [
      'zoom_blur',
      [
        [-0.1, 3],
        [1.1, 3],
        [0.1, 0],
        [0.1, 2.5],
        [0.1, 101],
      ],
    ],
    ['gaussian_blur', [-1, 257]],
    [
      'snow',
      [
        [0, -1, 1, 0, 1, 1, 1],
        [0, 1, 0.5, 0, 1, 1, 1],
        [0, 1, 1, 0, 1, 0, 1],
        [0, 1, 1, 0, 1, 1, 1.5],
      ],
    ],
    [
      'frost',
      [
        [-1, 1],
        [1, Number.NaN],
      ],
    ],
    [
      'fog',
      [
        [0, 2],
        [1, 0.5],
        [1, 101],
      ],
    ],
    ['brightness', [-1.5, 2]],
    ['contrast', [-1, Number.NaN]],
    [
      'elastic_transform',
      [
        [-1, 1, 1],
        [1, 257, 1],
        [1, 1, -1],
      ],
    ],
    ['pixelate', [0, 1.1]],
    ['jpeg_compression', [0, 101, 50.5]],
    ['speckle_noise', [-1]],
    [
      'spatter',
      [
        [0, -1, 1, 0, 1, 0],
        [0, 1, 1, 0, 1, 2],
        [0, 1, 1, 0, 1, 0.5],
      ],
    ],
    [
      'saturate',
      [
        [-1, 0],
        [1, 2],
      ],
    ],
  ])('of %s', (name, all) => {
    for (const parameters of all) {
      const message = new RegExp(
        `^corrupt: parameters of ${name}: \\w+ must be a (whole )?number from \\S+ to \\d+, got \\S+$`,
      );
      expect(call(name, parameters)).toThrow(message);
      expect(call(name, parameters)).toThrow(RangeError);
    }
  });

  it.each<[string, CorruptionName, unknown, object, RegExp]>([
    ['text', 'contrast', '0.5', {}, /^corrupt: parameters of contrast must be a number \(c\), got '0.5'$/],
    ['null', 'contrast', null, {}, /^corrupt: parameters of contrast must be a number \(c\), got null$/],
    ['a number for two', 'fog', 2, {}, /^corrupt: parameters of fog must be numbers \[amount, decay\], got 2$/],
    ['too few', 'fog', [2], {}, /must be numbers \[amount, decay\], got \[2\]$/],
    ['too many', 'fog', [2, 2, 2], {}, /must be numbers \[amount, decay\], got \[2, 2, 2\]$/],
    ['text among them', 'fog', [2, '2'], {}, /must be numbers \[amount, decay\], got \[2, '2'\]$/],
    ['an object', 'fog', { amount: 2, decay: 2 }, {}, /must be numbers \[amount, decay\]/],
    ['none', 'fog', [], {}, /must be numbers \[amount, decay\], got \[\]$/],
    [
      'with a severity',
      'fog',
      [2, 2],
      { severity: 3, preset: 'cifar-c' },
      /^corrupt: parameters take the place of those of a severity, got both; leave/,
    ],
    ['an unknown preset', 'fog', [2, 2], { preset: 'cifar' }, /^corrupt: preset must be /],
    [
      'where they follow from the size',
      'elastic_transform',
      [1, 1, 1],
      { dialect: 'imagecorruptions' },
      /at least 32 pixels/,
    ],
    [
      'for another number of images',
      'contrast',
      [0.5, 0.5],
      {},
      /^corrupt: parameters must be one for all images, or an array of one for each of the 1, got 2$/,
    ],
  ])('%s', (_, name, parameters, more, message) => {
    expect(call(name, parameters, more)).toThrow(message);
  });

  it('elastic_transform of imagecorruptions, whose parameters follow from the size', () => {
    const large = picture(32, 32);
    const options = { parameters: [1, 1, 1], dialect: 'imagecorruptions' } as const;
    expect(() => corrupt(large, 'elastic_transform', options)).toThrow(
      /^corrupt: elastic_transform has no parameters in the dialect 'imagecorruptions', .*; leave dialect out/,
    );
  });

  it('nothing in place of a severity', () => {
    expect(() => corrupt(image(), 'fog', {} as never)).toThrow(/^corrupt: preset must be /);
    expect(() => corrupt(image(), 'fog', { preset: 'cifar-c' } as never)).toThrow(/severity must be .* got undefined/);
  });

  it('every parameter has a rule, in the number that the severities have', () => {
    for (const name of [...NAMES, ...VALIDATION_CORRUPTIONS])
      for (const preset of PRESETS)
        for (const severity of [1, 2, 3, 4, 5]) {
          const parameters = SEVERITIES[name][preset][severity - 1] as never;
          expect(() => drawFields(name, [2, 2, 3], { parameters })).not.toThrow();
        }
  });
});
