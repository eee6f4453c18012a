import { openData } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { withPlainSimd } from '../../../kernels/test/cpu-and-wasm';
import { signAscent } from '../../src/search/alpha/ascent';
import { ballRadii } from '../../src/search/alpha/ball';
import { findAlpha } from '../../src/search/alpha/find-alpha';
import { openModel } from '../../src/subject/open-model';
import { convNets, floatNets, goldenNet, goldenOf, quantizedNets, smallNets } from '../golden-nets';

interface GoldenAlpha {
  readonly value: number | null;
  readonly status: string;
  readonly occupancy: number | null;
  readonly trajectory_at_value: { readonly step: number; readonly loss: number; readonly acc: number }[];
}
type GoldenVariant = Record<'alpha' | 'alpha_mag' | 'alpha_magscaled', GoldenAlpha>;

async function goldenVariant(name: string): Promise<GoldenVariant> {
  const { variants } = await goldenOf<{ variants: Record<string, GoldenVariant> }>('scales.json', name);
  return Object.values(variants)[0]!;
}

const balls = {
  alpha: { magnitudeAware: false, epsilonInBall: 'scaled' },
  alpha_mag: { magnitudeAware: true, epsilonInBall: 'additive' },
  alpha_magscaled: { magnitudeAware: true, epsilonInBall: 'scaled' },
} as const;

/** Every net climbs in one of the three boxes, the small one in all: a climb in a conv net takes seconds. */
const climbs: Record<string, readonly (keyof GoldenVariant)[]> = {
  'mlp-gaussians': ['alpha', 'alpha_mag', 'alpha_magscaled'],
  'mlp-patterns': ['alpha_mag'],
  'conv-patterns': ['alpha'],
  'nin-bn-patterns': ['alpha_magscaled'],
  'conv-int8': ['alpha_mag'],
  'conv-int4': ['alpha'],
  'conv-int2': ['alpha_magscaled'],
  's1-mlp-blobs': ['alpha', 'alpha_mag', 'alpha_magscaled'],
  's2-mlp-cifar': ['alpha_mag'],
  's3-conv': ['alpha'],
  's4-nin-bn': ['alpha_magscaled'],
  's5-conv-int8': ['alpha_mag'],
  's6-conv-int4': ['alpha'],
  's7-conv-int2': ['alpha_magscaled'],
};

describe('the sign-gradient ascent', { timeout: 120_000 }, () => {
  // Without fused multiply-adds: one sign that they turn on mlp-patterns grows to 5 of 2,000 examples and 3e-4 of the loss
  // in 20 steps. The searches below run with them, where the machine has them.
  withPlainSimd();
  beforeAll(() => useBackend('wasm'));

  for (const name of [...floatNets, ...quantizedNets])
    it(`passes through the 21 iterates that torch passed through on ${name}`, async () => {
      const [net, golden] = [await goldenNet(name), await goldenVariant(name)];
      const subject = openModel(net.model, {}, 'test');
      const data = await openData(net.train, 'test');
      for (const id of climbs[name]!) {
        const { value, trajectory_at_value: expected, occupancy } = golden[id];
        const radii = ballRadii(subject, { ...balls[id], epsilon: 1e-3, scale: value! });
        const found = await signAscent(subject, data, { radii, enough: -1, steps: 20 }, 'test');
        tf.dispose([...radii]);
        expect(found.ascentSteps).toHaveLength(21);
        for (const [k, { loss, accuracy }] of found.ascentSteps.entries()) {
          expect(Math.abs(loss / expected[k]!.loss - 1), `${id} loss of iterate ${k}`).toBeLessThan(1e-3);
          const wrong = Math.abs(accuracy - expected[k]!.acc) * data.size;
          expect(wrong, `${id} accuracy of iterate ${k}`).toBeLessThan(2.001);
        }
        expect(found.occupancy).toBeCloseTo(occupancy!, 4);
      }
      subject.close();
    });
});

describe('findAlpha', { timeout: 120_000 }, () => {
  beforeAll(() => useBackend('wasm'));

  it.each(smallNets)('finds alpha of %s in all three boxes within 3 percent', async (name) => {
    const [net, golden] = [await goldenNet(name), await goldenVariant(name)];
    for (const [id, ball] of Object.entries(balls)) {
      const found = await findAlpha(net.model, net.train, ball);
      expect(found.status).toBe('converged');
      expect(Math.abs(found.value! / golden[id as keyof GoldenVariant].value! - 1), id).toBeLessThan(0.03);
      expect(found.bracket![1] / found.bracket![0]).toBeLessThan(1.0202);
      expect(found.occupancy).toBeCloseTo(1, 4);
      expect(found.ascentSteps).toHaveLength(21);
    }
  });

  it.each(convNets)(
    "the additive floor alone costs %s more than the target: saturated-low, as the golden's",
    async (name) => {
      const [net, golden] = [await goldenNet(name), await goldenVariant(name)];
      const found = await findAlpha(net.model, net.train, { ...balls.alpha_mag, start: 1e-3 });
      expect(golden.alpha_mag).toMatchObject({ value: null, status: 'saturated-low' });
      expect(found).toMatchObject({ value: null, status: 'saturated-low' });
    },
  );
});
