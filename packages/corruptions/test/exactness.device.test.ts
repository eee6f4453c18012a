import { CORRUPTIONS, type CorruptionName, corrupt, VALIDATION_CORRUPTIONS } from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../test/backends';
import { difference, type GoldenCase, goldenCases, goldenFields, goldenPixels, presetOf } from './golden-cases';

vi.setConfig({ testTimeout: 120_000 });

type Golden = GoldenCase & { readonly corruption: CorruptionName };

const NAMES: readonly CorruptionName[] = [...CORRUPTIONS, ...VALIDATION_CORRUPTIONS];

/** SwiftShader is slow: QGEN_EXACTNESS=all runs every image, otherwise severities 1 and 5 of two small ones run. */
const all = typeof process !== 'undefined' && process.env.QGEN_EXACTNESS === 'all';
const cases = (await goldenCases()).filter(
  ({ image, severity }) => all || (['cup_64', 'cat_32'].includes(image ?? '') && (severity === 1 || severity === 5)),
);

describe.each(backends)('the published outputs, within a level, on %s', (backend) => {
  const tallies: Record<string, { cases: number; 'mean %': number; 'worst %': number }> = {};

  beforeAll(() => useBackend(backend));
  afterAll(() => {
    if (all) console.table(tallies);
  });

  it.for(NAMES)('%s', { timeout: 600_000 }, async (name) => {
    const failures: string[] = [];
    for (const golden of cases as readonly Golden[]) {
      if (golden.corruption !== name) continue;
      const fields = await goldenFields(golden);
      if (!fields) continue;
      const { height, width, levels } = await goldenPixels(`images/${golden.image}.png`);
      const images = tf.tensor3d(Int32Array.from(levels), [height, width, 3], 'int32');
      const { severity, variant } = golden;
      const out = corrupt(images, name, { severity, preset: presetOf[variant], fields: [fields as never] });
      const { largest, share } = difference(await out.data(), (await goldenPixels(golden.output)).levels);
      tf.dispose([images, out]);
      const key = `${name} ${variant}`;
      tallies[key] ??= { cases: 0, 'mean %': 0, 'worst %': 0 };
      const tally = tallies[key];
      tally['mean %'] = (tally['mean %'] * tally.cases + 100 * share) / (tally.cases + 1);
      tally['worst %'] = Math.max(tally['worst %'], 100 * share);
      tally.cases++;
      const exact = golden.tol_max_abs === 0;
      if (largest > 1 || (exact && largest > 0) || share > 0.15)
        failures.push(`${golden.id}: off by up to ${largest} in ${(100 * share).toFixed(3)} % of values`);
    }
    expect(failures).toEqual([]);
  });

  it('a batch equals its images one by one; float32 in, the same picture over 255; no leak', async () => {
    const shape = [2, 9, 14, 3] as [number, number, number, number];
    const levels = Int32Array.from({ length: 2 * 9 * 14 * 3 }, (_, i) => (i * 37 + ((i * i) % 101)) % 256);
    const batch = tf.tensor4d(levels, shape, 'int32');
    const floats = tf.div(tf.cast(batch, 'float32'), 255) as tf.Tensor4D;
    for (const name of NAMES) {
      const options = { severity: 4, preset: 'cifar-c', seed: 5, postJpeg85: name === 'contrast' } as const;
      let together: number[] = [];
      const run = async () => {
        const out = corrupt(batch, name, options);
        together = Array.from(await out.data());
        out.dispose();
      };
      expect([name, await leakedTensors(run)]).toEqual([name, 0]);
      const second = corrupt(tf.slice(batch, 1, 1), name, { ...options, firstIndex: 1 });
      expect([name, Array.from(await second.data())]).toEqual([name, together.slice(together.length / 2)]);
      const unit = corrupt(floats, name, options);
      expect(unit.dtype).toBe('float32');
      expect([name, Array.from(await unit.data(), (value) => Math.round(255 * value))]).toEqual([name, together]);
    }
  });

  it('every size from 1×1, 1 or 3 channels', async () => {
    for (const [height, width] of [
      [1, 1],
      [2, 3],
      [5, 1],
    ] as const)
      for (const channels of [1, 3])
        for (const name of NAMES) {
          const images = tf.fill([1, height, width, channels], 100, 'int32') as tf.Tensor4D;
          const out = Array.from(await corrupt(images, name, { severity: 3, preset: 'imagenet-c' }).data());
          expect([name, out.length]).toEqual([name, height * width * channels]);
          expect([name, out.every((level) => level >= 0 && level <= 255)]).toEqual([name, true]);
        }
  });
});
