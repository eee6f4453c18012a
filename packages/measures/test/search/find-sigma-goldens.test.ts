import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import type { SearchResult } from '../../src/search/result';
import { findSigma } from '../../src/search/sigma/find-sigma';
import type { FindSigmaOptions } from '../../src/search/sigma/sigma-options';
import { floatNets, goldenNet, goldenOf, quantizedNets, smallNets, twins } from '../golden-nets';

interface GoldenSigma {
  readonly value: number;
  readonly se_log: number;
}
interface GoldenVariant {
  readonly sigma: GoldenSigma;
  readonly sigma_mag: GoldenSigma;
  readonly sigma_mag_compat?: GoldenSigma;
}
interface Golden {
  readonly variants: Readonly<Record<string, GoldenVariant>>;
}

const settings: Record<string, FindSigmaOptions> = {
  weights: {},
  all: { scope: 'all' },
  'folded/weights': {},
  'folded/all': { scope: 'all' },
  'raw/weights': { batchNorm: 'inference' },
  'dequantized/weights': {},
  'latent/weights': { view: 'latent' },
  'latent/weights+steps': { view: 'latent', includeSteps: true },
};

/**
 * |ln(value / golden)| in units of both standard errors together. An interval of 95 % is 1.96 of them to each side, and
 * the side that counts is the golden's.
 */
function deviation({ value, ci95 }: SearchResult, golden: GoldenSigma): number {
  const error = Math.abs(Math.log(ci95![golden.value < value! ? 0 : 1] / value!)) / 1.96;
  return Math.abs(Math.log(value! / golden.value)) / Math.hypot(error, golden.se_log);
}

describe('findSigma', { timeout: 120_000 }, () => {
  beforeAll(() => useBackend('wasm'));

  for (const name of [...floatNets, ...quantizedNets])
    it(`finds both sigmas of every view and scope of ${name}: within 6 % as measured by default, else within 3 standard errors`, async () => {
      const net = await goldenNet(name);
      const { variants } = await goldenOf<Golden>('scales.json', name);
      for (const [variant, golden] of Object.entries(variants)) {
        const plain = variant === 'weights' || variant.endsWith('d/weights');
        const options = { ...settings[variant], maxExamples: 60_000 };
        for (const magnitudeAware of [false, true]) {
          const found = await findSigma(net.model, net.train, { ...options, magnitudeAware });
          const reference = magnitudeAware ? golden.sigma_mag : golden.sigma;
          const where = `${variant} ${magnitudeAware ? 'magnitude-aware' : 'plain'}`;
          if (plain) {
            expect(found.status, where).toBe('converged');
            expect(Math.abs(Math.log(found.value! / reference.value)), where).toBeLessThan(0.06);
          } else expect(deviation(found, reference), where).toBeLessThan(3);
        }
      }
    });

  it.each(smallNets)("finds sigma' of %s under the noise of the official code", async (name) => {
    const net = await goldenNet(name);
    const golden = (await goldenOf<Golden>('scales.json', name)).variants.weights!;
    const compat = await findSigma(net.model, net.train, { noise: 'dziugaite2020', magnitudeAware: true });
    expect(deviation(compat, golden.sigma_mag_compat!)).toBeLessThan(3);
    const plain = await findSigma(net.model, net.train, { noise: 'dziugaite2020' });
    // Its standard deviation is s^2, so it finds the root of sigma.
    expect(deviation(plain, { value: Math.sqrt(golden.sigma.value), se_log: golden.sigma.se_log / 2 })).toBeLessThan(3);
  });

  it.each(twins)(
    'orders %s, %s and %s as QGen does in the dequantized view, and the other way round in the latent view',
    async (...names) => {
      const nets = await Promise.all(names.map(goldenNet));
      const scales = async (view: 'dequantized' | 'latent') => {
        const found: number[] = [];
        for (const net of nets)
          found.push(
            (await findSigma(net.model, net.train, { view, relativeTolerance: 0.06, maxExamples: 20_000 })).value!,
          );
        return found;
      };
      const [int8, int4, int2] = await scales('dequantized');
      expect(int2).toBeGreaterThan(int4! * 1.05);
      expect(int4).toBeGreaterThan(int8! * 0.97);
      const [latent8, latent4, latent2] = await scales('latent');
      expect(latent8).toBeGreaterThan(latent4! * 1.2);
      expect(latent4).toBeGreaterThan(latent2! * 1.5);
    },
  );
});
