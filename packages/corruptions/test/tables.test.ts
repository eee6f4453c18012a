import { type CorruptionName, type Preset, SEVERITIES } from '@qgen/corruptions';
import { describe, expect, it } from 'vitest';
import { goldenJson } from '../../../test/goldens';
import { diskKernel } from '../src/blur/defocus-blur';
import { motionKernel } from '../src/blur/motion-kernel';
import { zoomFactors } from '../src/blur/zoom-blur';
import { quantizationTable } from '../src/digital/jpeg/quantization';
import { boxSpans, enlargedFrom, smallSide } from '../src/digital/pixelate';
import { zoomAxis } from '../src/filters/clipped-zoom';
import { gaussianTaps } from '../src/filters/gaussian-filter';

type Five<T> = readonly [T, T, T, T, T];

interface Tables {
  readonly params: Readonly<Record<string, Record<string, unknown>>>;
  readonly defocus_kernels: Readonly<Record<string, Five<{ size: number; sum: number; values: number[] }>>>;
  readonly gaussian_taps: Readonly<Record<string, { glass: { sigma: number; radius: number; taps: number[] }[] }>>;
  readonly zoom_layers: Readonly<Record<string, { zoom: number; crop: number; top: number; out: number }[][]>>;
  readonly motion_examples: Readonly<
    Record<string, { radius: number; sigma: number; angle: number; kernel: number[]; offsets_dy_dx: number[][] }[]>
  >;
  readonly pillow_box: Readonly<Record<string, { c: number; small: number; down: number[][]; up: number[][] }[]>>;
  readonly jpeg_qtables: Readonly<Record<string, { quality: number; luma: number[]; chroma: number[] }[]>>;
}

const tables = (await goldenJson<Tables>('corruptions/tables.json'))!;
const variants = [
  ['imagenet_c', 'imagenet-c', 224],
  ['cifar_c', 'cifar-c', 32],
  ['tiny_c', 'tiny-imagenet-c', 64],
] as const;

describe('kernels and tables by hand', () => {
  it('the disk of radius 1 is a cross of five, and the smallest radii leave one pixel and its Gaussian', () => {
    const { reach, weights } = diskKernel(1, 0.01);
    expect(reach).toBe(8);
    expect(weights.filter((weight) => weight > 0)).toEqual(new Float32Array(5).fill(1 / 5));
    expect(diskKernel(0.3, 0.4).weights.filter((weight) => weight > 0)).toHaveLength(9);
  });

  it('disks that touch the edge of their grid gain a percent: 1.01298 at r = 8, 1.01079 at r = 10', () => {
    const sum = (radius: number) => diskKernel(radius, 0.5).weights.reduce((total, weight) => total + weight, 0);
    expect(sum(8)).toBeCloseTo(1.01298, 5);
    expect(sum(10)).toBeCloseTo(1.01079, 5);
    expect(sum(6)).toBeCloseTo(1, 6);
  });

  it('a motion kernel of radius 2 along 0° is half a Gaussian of five taps to the right', () => {
    const { weights, dx, dy } = motionKernel(2, 1, 0);
    const taps = [1, Math.exp(-0.5), Math.exp(-2), Math.exp(-4.5), Math.exp(-8)];
    const sum = taps.reduce((total, tap) => total + tap);
    expect(Array.from(weights)).toEqual(taps.map((tap) => expect.closeTo(tap / sum, 12)));
    expect([Array.from(dx), Array.from(dy, Math.abs)]).toEqual([
      [0, 1, 2, 3, 4],
      [0, 0, 0, 0, 0],
    ]);
  });

  it('quality 50 keeps the tables of the standard, 25 doubles them, 100 is all ones', () => {
    expect(Array.from(quantizationTable('luminance', 50).subarray(0, 4))).toEqual([16, 11, 10, 16]);
    expect(Array.from(quantizationTable('luminance', 25).subarray(0, 4))).toEqual([32, 22, 20, 32]);
    expect(Array.from(quantizationTable('chrominance', 100))).toEqual(new Array(64).fill(1));
  });

  it('a row of 4 halves to pairs and comes back doubled; 150 from 60 by nearest falls low on ties', () => {
    const { first, count } = boxSpans(4, 2);
    expect([Array.from(first), Array.from(count)]).toEqual([
      [0, 2],
      [2, 2],
    ]);
    expect(Array.from(enlargedFrom(2, 4, 'box'))).toEqual([0, 0, 1, 1]);
    const [box, nearest] = [enlargedFrom(60, 150, 'box'), enlargedFrom(60, 150, 'nearest')];
    expect(box.some((from, i) => from !== nearest[i])).toBe(true);
    expect(box.every((from, i) => from === nearest[i] || from === nearest[i] + 1)).toBe(true);
  });
});

describe.each(variants)('the published tables of %s', (variant, preset: Preset, side) => {
  it.for(['parameters', 'kernels', 'geometry'] as const)('%s', (what) => {
    if (what === 'parameters') {
      const published = tables.params[variant];
      for (const name of Object.keys(SEVERITIES) as CorruptionName[]) {
        if (name === 'zoom_blur') {
          const factors = SEVERITIES.zoom_blur[preset].map(([step, count]) => zoomFactors(step, count));
          expect(factors).toEqual(published.zoom_blur);
        } else {
          const flat = (values: unknown) => JSON.parse(JSON.stringify(values)).flat() as number[];
          const expected = flat(published[name]).map((value) => expect.closeTo(value, 12));
          expect([name, flat(SEVERITIES[name][preset])]).toEqual([name, expected]);
        }
      }
    }
    if (what === 'kernels') {
      for (const [i, { values, sum }] of tables.defocus_kernels[variant].entries()) {
        const { weights } = diskKernel(...SEVERITIES.defocus_blur[preset][i]);
        // To within the rounding of float32 weights and of their sum.
        expect(weights.reduce((total, weight) => total + weight, 0)).toBeCloseTo(sum, 6);
        // The tables show nine decimal places.
        expect(Array.from(weights.filter((weight) => weight > 1e-9))).toEqual(
          values.filter((value) => value > 1e-9).map((value) => expect.closeTo(value, 8)),
        );
      }
      for (const { sigma, radius, taps } of tables.gaussian_taps[variant].glass)
        expect(Array.from(gaussianTaps(sigma, radius))).toEqual(
          taps.slice(radius).map((tap) => expect.closeTo(tap, 8)),
        );
      for (const { radius, sigma, angle, kernel, offsets_dy_dx } of tables.motion_examples[variant]) {
        const { weights, dx, dy } = motionKernel(radius, sigma, angle);
        expect(Array.from(weights)).toEqual(kernel.map((tap) => expect.closeTo(tap, 8)));
        expect(Array.from(dx, (x, i) => [dy[i] + 0, x + 0])).toEqual(offsets_dy_dx);
      }
    }
    if (what === 'geometry') {
      for (const layers of tables.zoom_layers[variant])
        for (const { zoom, crop, top } of layers) {
          const { low, high } = zoomAxis(side, zoom, 'centre');
          expect([zoom, low.length, low[0]]).toEqual([zoom, side, top]);
          expect(Math.max(...high)).toBeLessThan(top + crop);
        }
      for (const { c, small, down } of tables.pillow_box[variant]) {
        expect(smallSide(side, c)).toBe(small);
        const { first, count } = boxSpans(side, small);
        expect(Array.from(first, (from, i) => [from, count[i]])).toEqual(down);
      }
      for (const { quality, luma, chroma } of tables.jpeg_qtables[variant]) {
        expect(Array.from(quantizationTable('luminance', quality))).toEqual(luma);
        expect(Array.from(quantizationTable('chrominance', quality))).toEqual(chroma);
      }
    }
  });
});
