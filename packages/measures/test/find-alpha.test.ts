import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../../test/backends';
import { goldenJson } from '../../../test/goldens';
import { openData } from '../src/data';
import { signAscent } from '../src/search/ascent';
import { ballRadii } from '../src/search/ball';
import { openSubject } from '../src/subject';
import { floatNets, goldenNet, quantizedNets } from './golden-nets';

interface GoldenAlpha {
  readonly value: number | null;
  readonly status: string;
  readonly occupancy: number | null;
  readonly trajectory_at_value: { readonly step: number; readonly loss: number; readonly acc: number }[];
}
type GoldenVariant = Record<'alpha' | 'alpha_mag' | 'alpha_magscaled', GoldenAlpha>;

async function goldenVariant(name: string): Promise<GoldenVariant | undefined> {
  const goldens = await goldenJson<Record<string, { variants: Record<string, GoldenVariant> }>>('measures/scales.json');
  return goldens && Object.values(goldens[name]!.variants)[0];
}

const balls = {
  alpha: { magnitudeAware: false, epsilonInBall: 'scaled' },
  alpha_mag: { magnitudeAware: true, epsilonInBall: 'additive' },
  alpha_magscaled: { magnitudeAware: true, epsilonInBall: 'scaled' },
} as const;

describe('the sign-gradient ascent', { timeout: 120_000 }, () => {
  beforeAll(() => useBackend('wasm'));

  for (const name of [...floatNets, ...quantizedNets])
    test(`passes through the 21 iterates that torch passed through on ${name}`, async (context) => {
      const [net, golden] = [await goldenNet(name), await goldenVariant(name)];
      if (!net || !golden) return context.skip('../shared/goldens/measures/scales.json is not at hand');
      const subject = openSubject(net.model, {}, 'test');
      const data = await openData(net.train, 'test');
      for (const [id, ball] of Object.entries(balls)) {
        const { value, trajectory_at_value: expected, occupancy } = golden[id as keyof GoldenVariant];
        if (value === null) continue;
        const radii = ballRadii(subject, { ...ball, epsilon: 1e-3, scale: value });
        const found = await signAscent(subject, data, { radii, enough: -1, steps: 20 }, 'test');
        tf.dispose([...radii]);
        expect(found.trajectory).toHaveLength(21);
        for (const [k, { loss, accuracy }] of found.trajectory.entries()) {
          expect(Math.abs(loss / expected[k]!.loss - 1), `${id} loss of iterate ${k}`).toBeLessThan(1e-3);
          expect(Math.abs(accuracy - expected[k]!.acc), `${id} accuracy of iterate ${k}`).toBeLessThanOrEqual(
            2.001 / data.size,
          );
        }
        expect(found.occupancy).toBeCloseTo(occupancy!, 4);
      }
      subject.close();
    });
});
