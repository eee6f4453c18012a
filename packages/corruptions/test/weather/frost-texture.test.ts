import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { leakedTensors, useBackend } from '../../../../test/backends';
import { goldenJson } from '../../../../test/goldens';
import { type ImageStream, imageStream } from '../../src/fields/image-stream';
import type { Preset } from '../../src/options/severities';
import { type FrostTexture, frostImages } from '../../src/weather/frost/frost-images';
import { type FrostOptions, frostTexture } from '../../src/weather/frost/frost-texture';
import { imageMetrics } from '../image-metrics';

/** A stream whose uniforms are given: which image, how far down, how far right. */
const at = (...uniforms: readonly number[]): ImageStream =>
  ({ uniforms: () => Float32Array.from(uniforms) }) as Partial<ImageStream> as ImageStream;

type CropOptions = Omit<Partial<FrostOptions>, 'textures'> & { readonly textures?: readonly FrostTexture[] };

const crop = (height: number, width: number, { textures, ...options }: CropOptions = {}) =>
  frostTexture(height, width, {
    stream: at(0, 0, 0),
    preset: 'imagenet-c',
    dialect: 'robustness',
    ...options,
    ...(textures && { textures: frostImages('corrupt', textures) }),
  });

const imageOf = (seed: number, index: number) => imageStream(seed, index, 'frost', 1);

/** Level of channel c at (y, x) is y, x or 7: a crop tells where it was cut. */
const ruler = (height: number, width: number): FrostTexture => ({
  height,
  width,
  data: Array.from(
    { length: height * width * 3 },
    (_, i) => [Math.floor(i / (3 * width)), Math.floor(i / 3) % width, 7][i % 3],
  ),
});

describe('frostTexture with textures of the caller', () => {
  it('cuts at floor(u (h − n)): the last position is never taken, as in the published code', () => {
    const textures = [ruler(20, 30)];
    const first = crop(8, 8, { textures, stream: at(0, 0, 0) });
    expect([...first.subarray(0, 3)]).toEqual([0, 0, 7]);
    expect([...first.subarray(3, 6)]).toEqual([0, 1, 7]);
    expect([...first.subarray(8 * 3, 8 * 3 + 3)]).toEqual([1, 0, 7]);
    const last = crop(8, 8, { textures, stream: at(0, 1 - 2 ** -24, 1 - 2 ** -24) });
    expect([...last.subarray(0, 3)]).toEqual([20 - 8 - 1, 30 - 8 - 1, 7]);
  });

  it('draws every texture with the same chance, and every position', () => {
    const textures = [0, 1, 2].map((level) => ({ height: 6, width: 7, data: new Uint8Array(6 * 7 * 3).fill(level) }));
    const counts = [0, 0, 0];
    for (let i = 0; i < 600; i++) counts[crop(4, 4, { textures, stream: imageOf(1, i) })[0]]++;
    for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(4 * Math.sqrt((600 * 2) / 9));
    const seen = new Set<number>();
    for (let i = 0; i < 100; i++) seen.add(crop(4, 4, { textures: [ruler(9, 9)], stream: imageOf(2, i) })[0]);
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('scales by 0.2 for cifar-c: every fifth pixel, from the third on', () => {
    const small = crop(3, 3, { textures: [ruler(40, 50)], preset: 'cifar-c' });
    expect([...small].filter((_, i) => i % 3 === 0)).toEqual([2, 2, 2, 7, 7, 7, 12, 12, 12]);
    expect([...small].filter((_, i) => i % 3 === 1)).toEqual([2, 7, 12, 2, 7, 12, 2, 7, 12]);
  });

  it('scales by 0.3 for tiny-imagenet-c, between pixels', () => {
    const small = crop(3, 3, { textures: [ruler(40, 50)], preset: 'tiny-imagenet-c' });
    // (i + 1/2) / 0.3 − 1/2 = 1.167, 4.5, 7.833, rounded to a level
    expect([...small].filter((_, i) => i % 9 === 0)).toEqual([1, 5, 8]);
  });

  it('scales a texture up that is smaller than the image', () => {
    const large = crop(50, 20, { textures: [ruler(10, 10)] });
    expect(large).toHaveLength(50 * 20 * 3);
    expect(Math.max(...large.filter((_, i) => i % 3 === 0))).toBe(9);
    expect(crop(50, 20, { textures: [ruler(10, 10)], dialect: 'imagecorruptions' })).toHaveLength(50 * 20 * 3);
    expect(crop(30, 30, { textures: [ruler(20, 40)], preset: 'cifar-c' })).toHaveLength(30 * 30 * 3);
  });

  it('reads tensors of both dtypes and drops alpha, once and without a leak', async () => {
    await useBackend('cpu');
    const levels = Int32Array.from({ length: 6 * 5 * 4 }, (_, i) => (i * 37) % 256);
    const rgb = levels.filter((_, i) => i % 4 !== 3);
    const int = tf.tensor3d(levels, [6, 5, 4], 'int32');
    const float = tf.tensor3d(
      Float32Array.from(rgb, (level) => level / 255),
      [6, 5, 3],
    );
    const expected = crop(5, 4, { textures: [{ height: 6, width: 5, data: rgb }] });
    for (const texture of [int, float]) expect(crop(5, 4, { textures: [texture] })).toEqual(expected);
    expect(await leakedTensors(() => crop(5, 4, { textures: [int] }))).toBe(0);
    int.dispose();
    expect(crop(5, 4, { textures: [int] })).toEqual(expected);
    float.dispose();
  });

  it.each<[string, unknown, RegExp]>([
    ['no textures', [], /^corrupt: textures is empty/],
    ['something else', 'frost1.png', /^corrupt: textures must be an array of tensors \[H, W, 3\] or \{ height/],
    ['a texture alone', ruler(4, 4), /^corrupt: textures must be an array/],
    ['names of files', ['frost1.png'], /^corrupt: textures\[0\] must be a tensor .* got 'frost1.png'/],
    ['nothing', [null], /textures\[0\] must be a tensor .* got null/],
    [
      'a texture without colours',
      [{ height: 4, width: 4, data: new Uint8Array(16) }],
      /must have 3 or 4 channels, got 4×4×1/,
    ],
    ['a size that its data do not have', [{ height: 4, width: 5, data: new Uint8Array(61) }], /got 4×5×3.05/],
    ['a size of zero', [{ height: 0, width: 5, data: [] }], /got 0×5×NaN/],
    [
      'levels beyond 255',
      [ruler(4, 4), { height: 1, width: 1, data: [0, 256, 0] }],
      /textures\[1\] must hold levels 0..255 .* got level 256/,
    ],
    ['NaN', [{ height: 1, width: 1, data: [0, Number.NaN, 0] }], /got level NaN/],
    ['a tensor of levels as float32', [tf.fill([2, 2, 3], 200)], /\(float32 tensors 0..1\), got level 51000/],
    ['a tensor of another rank', [tf.zeros([2, 2])], /must have 3 or 4 channels/],
  ])('refuses %s', (_, textures, message) => {
    const call = () => frostImages('corrupt', textures as FrostTexture[]);
    expect(call).toThrow(message);
  });
});

const SCALES: readonly { readonly preset: Preset; readonly side: number }[] = [
  { preset: 'imagenet-c', side: 224 },
  { preset: 'tiny-imagenet-c', side: 64 },
  { preset: 'cifar-c', side: 32 },
];
/** A uniform that picks the style among the five files, of which two are the same. */
const styleAt = [0.1, 0.3, 0.7, 0.9];

interface FrostStatistics {
  readonly descriptors: readonly string[];
  readonly stats: Readonly<Record<string, { readonly mean: readonly number[]; readonly sd: readonly number[] }>>;
}

/** The descriptors of frost_stats.json but the last, whose definition it does not give. */
function descriptors(texture: Uint8Array, side: number): Record<string, number> {
  const black = { height: side, width: side, levels: new Uint8Array(texture.length) };
  const metrics = imageMetrics(black, texture);
  const luma = Float64Array.from(
    { length: side * side },
    (_, i) => 0.299 * texture[3 * i] + 0.587 * texture[3 * i + 1] + 0.114 * texture[3 * i + 2],
  );
  const sorted = luma.slice().sort();
  const quantile = (q: number) => sorted[Math.round(q * (sorted.length - 1))];
  const steps = luma
    .slice(1)
    .map((value, i) => value - luma[i])
    .filter((_, i) => (i + 1) % side !== 0);
  const [own, gradient] = [moments(luma), moments(steps)];
  const spectrum = Object.fromEntries([0, 1, 2, 3, 4, 5].map((k) => [`spec${k}`, metrics[17 + k]]));
  return {
    mean_r: metrics[0],
    mean_g: metrics[1],
    mean_b: metrics[2],
    std_r: metrics[3],
    std_g: metrics[4],
    std_b: metrics[5],
    corr_rg: metrics[12],
    corr_rb: metrics[13],
    corr_gb: metrics[14],
    q05: quantile(0.05),
    q25: quantile(0.25),
    q50: quantile(0.5),
    q75: quantile(0.75),
    q95: quantile(0.95),
    skew: own.skew,
    kurt: own.kurtosis,
    grad_std: gradient.deviation,
    grad_kurt: gradient.kurtosis,
    ...spectrum,
    aniso: metrics[23],
  };
}

function moments(x: Float64Array) {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const power = (k: number) => x.reduce((sum, value) => sum + (value - mean) ** k, 0) / x.length;
  const deviation = Math.sqrt(power(2));
  return { deviation, skew: power(3) / deviation ** 3, kurtosis: power(4) / deviation ** 4 };
}

describe('frostTexture without textures', () => {
  let golden: FrostStatistics;
  beforeAll(async () => {
    golden = (await goldenJson<FrostStatistics>('corruptions/frost_stats.json'))!;
  });

  it.each(SCALES.flatMap((scale) => [0, 1, 2, 3].map((style) => ({ ...scale, style }))))(
    'has the descriptors of frost image $style at $side pixels, and their variation between crops',
    { timeout: 60_000 },
    ({ preset, side, style }) => {
      const { mean, sd } = golden.stats[`${side}/${style}`];
      // Positions on a grid, so that the means over crops are those of the image and not of a draw.
      const grid = side === 224 ? [1, 3, 5, 7].map((k) => k / 8) : [1, 3, 5, 7, 9, 11].map((k) => k / 12);
      const crops = grid.flatMap((down) =>
        grid.map((right) => descriptors(crop(side, side, { preset, stream: at(styleAt[style], down, right) }), side)),
      );
      const off: string[] = [];
      golden.descriptors.forEach((name, k) => {
        const values = crops.map((one) => one[name]);
        // frost_stats.json leaves the lowest band out where it holds three numbers.
        if (name === 'band_energy_corr' || mean[k] === 0) return;
        const average = values.reduce((sum, value) => sum + value) / values.length;
        const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length);
        const floor = FLOORS[name.replace(/(_[rgb]+|\d+)$/, '')];
        if (!(Math.abs(average - mean[k]) <= 1.5 * sd[k] + floor))
          off.push(`${name}: ${average.toFixed(3)} for ${mean[k]} ± ${sd[k]}`);
        const ratio = (spread + floor) / (sd[k] + floor);
        if (!(ratio > 0.5 && ratio < 2)) off.push(`variation of ${name}: ${spread.toFixed(3)} for ${sd[k]}`);
      });
      expect(off).toEqual([]);
    },
  );

  it('draws one style twice as often as each other', () => {
    const style = new Map<string, number>();
    const names = styleAt.map((u) => crop(1, 1, { stream: at(u, 0.5, 0.5) }).join());
    expect(new Set(names).size).toBe(4);
    for (let i = 0; i < 1000; i++) {
      const [which] = imageOf(4, i).uniforms(3);
      const name = crop(1, 1, { stream: at(which, 0.5, 0.5) }).join();
      style.set(name, (style.get(name) ?? 0) + 1);
    }
    names.forEach((name, k) => {
      const share = k === 1 ? 0.4 : 0.2;
      expect(Math.abs(style.get(name)! - 1000 * share)).toBeLessThan(4 * Math.sqrt(1000 * share * (1 - share)));
    });
  });

  it('depends on the stream alone, and stays in 0..255 at any size', () => {
    for (const [height, width] of [
      [1, 1],
      [3, 500],
      [700, 5],
    ] as const)
      for (const { preset } of SCALES) {
        const once = crop(height, width, { preset, stream: imageOf(9, 1) });
        expect(once).toHaveLength(height * width * 3);
        expect(once.every((level) => Number.isInteger(level) && level >= 0 && level <= 255)).toBe(true);
        expect(crop(height, width, { preset, stream: imageOf(9, 1) })).toEqual(once);
      }
    expect(crop(8, 8, { stream: imageOf(9, 1) })).not.toEqual(crop(8, 8, { stream: imageOf(9, 2) }));
  });
});

/** Differences too small to see, by the beginning of a descriptor's name. */
const FLOORS: Readonly<Record<string, number>> = {
  mean: 1.5,
  std: 0.7,
  corr: 0.01,
  q: 1.5,
  skew: 0.1,
  kurt: 0.2,
  grad_std: 0.6,
  grad_kurt: 0.2,
  spec: 0.05,
  aniso: 0.05,
};
