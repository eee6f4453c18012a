import { openData } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { displaced } from '../../src/perturbation/gaussian-noise';
import { evaluate } from '../../src/subject/evaluate';
import { openModel } from '../../src/subject/open-model';
import { floatNets, goldenFloats, goldenNet, goldenOf } from '../golden-nets';

interface ExactNet {
  readonly params: string[];
  readonly omega: number;
  readonly noise_file: string;
  readonly checks: {
    readonly noise: number;
    readonly mode: 'plain' | 'mag' | 'compat-plain' | 'compat-mag';
    readonly s: number;
    readonly acc: number;
    readonly loss: number;
    readonly near_ties: number;
  }[];
}

describe('noise given number by number', { timeout: 120_000 }, () => {
  beforeAll(() => useBackend('wasm'));

  for (const name of floatNets)
    it(`costs ${name} the accuracy and the loss that float64 says`, async () => {
      const net = await goldenNet(name);
      const exact = await goldenOf<ExactNet>('exact.json', name);
      const rows = await goldenFloats(`exact/${exact.noise_file}`);
      const subject = openModel(net.model, {}, 'test');
      expect(subject.parameters.map((parameter) => parameter.name)).toEqual(exact.params);
      const data = await openData(net.train, 'test');
      for (const { noise, mode, s, acc, loss, near_ties } of exact.checks) {
        let offset = noise * exact.omega;
        for (const parameter of subject.parameters) {
          const z = tf.tensor(rows.slice(offset, offset + parameter.centre.size), [...parameter.shape]);
          offset += parameter.centre.size;
          const value = displaced(parameter, z, {
            scale: s,
            epsilon: 1e-3,
            magnitudeAware: mode.endsWith('mag'),
            convention: mode.startsWith('compat') ? 'dziugaite2020' : 'standard',
          });
          parameter.variable.assign(value);
          tf.dispose([z, value]);
        }
        const found = await evaluate(subject, data, {}, 'test');
        const where = `${mode} ${s} noise ${noise}`;
        expect(Math.abs(found.loss / loss - 1), where).toBeLessThan(2e-5);
        expect(Math.abs(found.accuracy - acc), where).toBeLessThanOrEqual((near_ties + 0.001) / data.size);
      }
      subject.close();
    });
});
