import type { Tensor4D } from '@tensorflow/tfjs-core';
import { joined, joinedIntegers, map, run } from '../backends/webgpu-program';
import type { Corruption } from '../corruption';
import { counts, type FieldRule, fractions, number } from '../fields/field-rules';
import { memoized } from '../filters/memoized';
import { sizeOf, truncated } from '../images/image';

/**
 * The photon counts of an image, H×W×C: given as they are, or as uniforms u in [0, 1), from which count k follows as the
 * smallest with u < P(K <= k). `drawFields` gives uniforms, because counts depend on the image.
 */
export type ShotField = { readonly counts: ArrayLike<number> } | { readonly uniform: ArrayLike<number> };

/** out = clip(K / c), K Poisson with the mean c v, independent for every value. Black stays black. */
export const shotNoise: Corruption<number, ShotField> = {
  parameterRules: { c: number(0.01, 10_000) },
  draw: (shape, _c, stream) => ({ uniform: stream.uniforms(sizeOf(shape)) }),
  fieldRules: (shape, _c, fields): Record<string, FieldRule> =>
    'counts' in fields ? { counts: counts(sizeOf(shape)) } : { uniform: fractions(sizeOf(shape)) },
  apply({ levels }, c, fields) {
    const out = new Uint8Array(levels.length);
    if ('counts' in fields) {
      for (let i = 0; i < out.length; i++) out[i] = truncated((fields.counts[i] / c) * 255);
      return out;
    }
    const { uniform } = fields;
    const { thresholds, starts, guides } = poissonTable(c);
    for (let i = 0; i < out.length; i++) {
      const level = levels[i];
      const u = uniform[i];
      const start = starts[level];
      let at = start + guides[level * GUIDES + ((u * GUIDES) | 0)];
      while (u >= thresholds[at]) at++;
      out[i] = truncated(((at - start) / c) * 255);
    }
    return out;
  },
  simd(simd, image, c, fields) {
    const { kernels } = simd;
    const n = sizeOf(image);
    const levelOf = simd.copy(levelsOfCounts(c));
    if ('counts' in fields)
      kernels.counted(simd.copy(countsUpTo(c, fields.counts)), image.at, n, levelOf, Math.ceil(c));
    else {
      const { thresholds, starts, guides } = poissonTable(c);
      const [u, tables] = [simd.copy(fractions24(fields.uniform)), simd.copy(thresholds)];
      kernels.poissonNoise(image.at, u, n, tables, simd.copy(starts), simd.copy(guides), GUIDES, levelOf, Math.ceil(c));
    }
    return image.at;
  },
  onDevice(images, c, fields) {
    const counted = fields.some((own) => 'counts' in own);
    if (counted && !fields.every((own) => 'counts' in own))
      throw new TypeError('corrupt: fields of shot_noise must all hold counts, or all uniform');
    const levelOf = Int32Array.from(levelsOfCounts(c));
    const values = fields.map((own) => ('counts' in own ? countsUpTo(c, own.counts) : fractions24(own.uniform)));
    if (counted)
      return run({
        key: 'counts',
        inputs: { counts: joinedIntegers(values), levelOf },
        integers: { most: Math.ceil(c) },
        shape: images.shape,
        code: `
          fn main(index : i32) {
            if (index < uniforms.size) { result[index] = levelOf[clamp(counts[index], 0, uniforms.most)]; }
          }`,
      }) as Tensor4D;
    const { thresholds, starts, guides } = poissonTable(c);
    return map(images, {
      key: 'poisson',
      inputs: { uniform1: joined(values), levelOf, thresholds, starts, guides: Int32Array.from(guides) },
      integers: { most: Math.ceil(c) },
      code: `
        fn main(index : i32) {
          if (index < uniforms.size) {
            let level = levels[index];
            let u = uniform1[index];
            let start = starts[level];
            var k = start + guides[level * ${GUIDES} + clamp(i32(u * ${GUIDES}.0), 0, ${GUIDES - 1})];
            while (thresholds[k] < 1.0 && u >= thresholds[k]) { k = k + 1; }
            result[index] = levelOf[min(k - start, uniforms.most)];
          }
        }`,
    });
  },
};

/** Counts, of which those from c up give 255 alike. */
const countsUpTo = (c: number, counts: ArrayLike<number>) =>
  Int32Array.from(counts, (count) => Math.min(count, Math.ceil(c)));

/** Uniforms as float32, rounded down: the thresholds are multiples of 2⁻²⁴, so that the counts stay the same. */
const fractions24 = (uniform: ArrayLike<number>) =>
  uniform instanceof Float32Array ? uniform : Float32Array.from(uniform, (u) => Math.floor(u * 2 ** 24) / 2 ** 24);

/** The level that each count up to ⌈c⌉ gives; more give 255 as well. */
const levelsOfCounts = (c: number) =>
  Uint8Array.from({ length: Math.ceil(c) + 1 }, (_, count) => truncated((count / c) * 255));

const GUIDES = 64;

interface PoissonTable {
  /** P(K <= k), k = 0, 1, …, for each level in turn, rounded up to a multiple of 2⁻²⁴; the last of a level is 1. */
  readonly thresholds: Float32Array;
  /** Where the thresholds of a level begin. */
  readonly starts: Int32Array;
  /** The first k that a u in [g, g + 1) / GUIDES can have, at level × GUIDES + g. */
  readonly guides: Uint16Array;
}

/** Poisson distributions of the means c v of all 256 levels. Uniforms are multiples of 2⁻²⁴, so the rounding is exact. */
const poissonTable = memoized((c: number): PoissonTable => {
  const thresholds: number[] = [];
  const starts = new Int32Array(256);
  const guides = new Uint16Array(256 * GUIDES);
  for (let level = 0; level < 256; level++) {
    starts[level] = thresholds.length;
    const cumulative = poissonThresholds((c * level) / 255);
    for (let g = 0, k = 0; g < GUIDES; g++) {
      while (g / GUIDES >= cumulative[k]) k++;
      guides[level * GUIDES + g] = k;
    }
    thresholds.push(...cumulative);
  }
  return { thresholds: Float32Array.from(thresholds), starts, guides };
});

function poissonThresholds(mean: number): number[] {
  const last = Math.ceil(mean + 8 * Math.sqrt(mean) + 20);
  const mode = Math.floor(mean);
  const mass = new Float64Array(last + 1);
  // Outward from the mode: exp(-mean), from which the usual recurrence starts, is too small for large means.
  mass[mode] = 1;
  for (let k = mode; k > 0; k--) mass[k - 1] = (mass[k] * k) / mean;
  for (let k = mode; k < last; k++) mass[k + 1] = (mass[k] * mean) / (k + 1);
  const total = mass.reduce((sum, value) => sum + value);
  const thresholds: number[] = [];
  for (let k = 0, sum = 0; k <= last && thresholds[k - 1] !== 1; k++) {
    sum += mass[k] / total;
    thresholds.push(k === last ? 1 : Math.min(1, Math.ceil(sum * 2 ** 24) / 2 ** 24));
  }
  return thresholds;
}
