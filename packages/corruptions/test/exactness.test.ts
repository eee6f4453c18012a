import { CORRUPTIONS, type CorruptionName, corrupt, VALIDATION_CORRUPTIONS } from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { backends, useBackend } from '../../../test/backends';
import { difference, type GoldenCase, goldenCases, goldenFields, goldenPixels, presetOf } from './golden-cases';

vi.setConfig({ testTimeout: 120_000 });

const cases = await goldenCases();

interface Tally {
  cases: number;
  identical: number;
  worst: number;
}

describe.each(backends)('the published outputs, given their random fields, on %s', (backend) => {
  const tallies = new Map<string, Tally>();

  beforeAll(() => useBackend(backend));
  afterAll(() => {
    if (process.env.QGEN_EXACTNESS) console.table(Object.fromEntries(tallies));
  });

  async function check(golden: GoldenCase & { corruption: CorruptionName }): Promise<string | undefined> {
    const fields = await goldenFields(golden);
    if (!fields) return undefined;
    const input = await goldenPixels(`images/${golden.image}.png`);
    const expected = await goldenPixels(golden.output);
    const images = tf.tensor3d(Int32Array.from(input.levels), [input.height, input.width, 3], 'int32');
    const { severity, corruption, variant } = golden;
    const out = corrupt(images, corruption, { severity, preset: presetOf[variant], fields: [fields as never] });
    const { largest, share } = difference(out.dataSync(), expected.levels);
    tf.dispose([images, out]);
    const key = `${corruption} ${variant}`;
    const tally = tallies.get(key) ?? { cases: 0, identical: 0, worst: 0 };
    tally.cases++;
    if (share === 0) tally.identical++;
    tally.worst = Math.max(tally.worst, share);
    tallies.set(key, tally);
    return largest > golden.tol_max_abs || share > golden.tol_frac
      ? `${golden.id}: off by up to ${largest} in ${(100 * share).toFixed(3)} % of values`
      : undefined;
  }

  it.for([...CORRUPTIONS, ...VALIDATION_CORRUPTIONS])('%s, every image and severity', async (name) => {
    const own = cases.filter((golden) => golden.corruption === name) as (GoldenCase & { corruption: CorruptionName })[];
    const failures: string[] = [];
    for (const golden of own) {
      const failure = await check(golden);
      if (failure) failures.push(failure);
    }
    expect(failures).toEqual([]);
  });

  it('the quality 85 of the published files', async () => {
    const own = cases.filter(({ corruption }) => corruption === 'post_jpeg85');
    expect(own.length).toBeGreaterThan(0);
    for (const { id, input, output } of own) {
      const { height, width, levels } = await goldenPixels(input!);
      const images = tf.tensor3d(Int32Array.from(levels), [height, width, 3], 'int32');
      // A corruption that changes nothing, so that only the saving does.
      const fields = [{ mask: new Uint8Array(levels.length) }];
      const options = { severity: 1, preset: 'imagenet-c', fields, postJpeg85: true } as const;
      const out = corrupt(images, 'impulse_noise', options);
      expect([id, difference(out.dataSync(), (await goldenPixels(output)).levels)]).toEqual([
        id,
        { largest: 0, share: 0 },
      ]);
      tf.dispose([images, out]);
    }
  });
});
