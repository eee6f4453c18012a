import { CORRUPTIONS, type CorruptionName, corrupt, VALIDATION_CORRUPTIONS } from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../test/backends';
import { goldenJson, goldenJsons } from '../../../test/goldens';
import { goldenPixels, presetOf } from './golden-cases';
import { imageMetrics, METRICS } from './image-metrics';

interface Entry {
  readonly variant: keyof typeof presetOf;
  readonly image: string;
  readonly corruption: CorruptionName;
  readonly severity: 1 | 2 | 3 | 4 | 5;
  readonly n_seeds: number;
  readonly mean: readonly number[];
  readonly sd: readonly number[];
}

interface Acceptance {
  readonly limit: number;
  readonly K: number;
  readonly K_glass_224: number;
  readonly floors: Readonly<Record<string, number>>;
}

const stats = await goldenJsons<{ metrics: string[]; entries: Entry[] }>('corruptions/stats.json');
const entries = stats.flatMap((each) => each.entries);
const acceptance = (await goldenJson<Acceptance>('corruptions/ACCEPT.json'))!;

/** An image of 224×224 takes minutes: QGEN_STATISTICS=all runs all, otherwise those of 64×64 and three of 32×32 run. */
const all = process.env.QGEN_STATISTICS === 'all';
const included = ({ variant, image }: Entry) =>
  all || variant === 'tiny_c' || ['cat_32', 'cifar_cat_0000', 'cifar_airplane_0003'].includes(image);

/** z = (mean_K − mean_ref) / sqrt(sd_ref² (1/K + 1/N) + floor²), the largest over the metrics in size. */
async function largestZ(entry: Entry, { K, K_glass_224, floors }: Acceptance): Promise<{ z: number; metric: string }> {
  const { variant, image, corruption, severity, n_seeds } = entry;
  const clean = await goldenPixels(`images/${image}.png`);
  const seeds = corruption === 'glass_blur' && clean.height === 224 ? K_glass_224 : K;
  const input = tf.tensor3d(Int32Array.from(clean.levels), [clean.height, clean.width, 3], 'int32');
  const sums = METRICS.map(() => 0);
  for (let i = 0; i < seeds; i++) {
    const out = corrupt(input, corruption, { severity, preset: presetOf[variant], seed: 2026, firstIndex: i });
    for (const [k, value] of imageMetrics(clean, out.dataSync()).entries()) sums[k] += value / seeds;
    out.dispose();
  }
  input.dispose();
  let worst = { z: 0, metric: '' };
  for (const [k, metric] of METRICS.entries()) {
    const prefixes = Object.keys(floors).filter((prefix) => metric.startsWith(prefix));
    const floor = floors[prefixes.sort((a, b) => b.length - a.length)[0]];
    const z = (sums[k] - entry.mean[k]) / Math.sqrt(entry.sd[k] ** 2 * (1 / seeds + 1 / n_seeds) + floor ** 2);
    if (!(Math.abs(z) <= Math.abs(worst.z))) worst = { z, metric };
  }
  return worst;
}

describe('the random corruptions have the statistics of the published code', () => {
  beforeAll(() => useBackend('wasm'));

  const random = [...CORRUPTIONS, ...VALIDATION_CORRUPTIONS].filter((name) =>
    entries.some(({ corruption }) => corruption === name),
  );

  it.for(random)('%s', { timeout: 1_800_000 }, async (name) => {
    for (const { metrics } of stats) expect(metrics).toEqual(METRICS);
    const worst: string[] = [];
    let largest = 0;
    for (const entry of entries) {
      if (entry.corruption !== name || !included(entry)) continue;
      const { z, metric } = await largestZ(entry, acceptance);
      largest = Math.max(largest, Math.abs(z));
      if (!(Math.abs(z) <= acceptance.limit))
        worst.push(`${entry.variant}/${entry.image}/${entry.severity}: ${metric} z = ${z.toFixed(2)}`);
    }
    if (process.env.QGEN_STATISTICS) console.log(`${name}: largest |z| ${largest.toFixed(2)}`);
    expect(worst).toEqual([]);
  });
});
