import { openData } from '@qgen/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../../test/backends';
import { evaluate } from '../../src/subject/evaluate';
import { openModel } from '../../src/subject/open-model';
import { floatNets, goldenNet, quantizedNets } from '../golden-nets';

describe.each(backends.filter((backend) => backend !== 'cpu'))('evaluate on %s', { timeout: 60_000 }, (backend) => {
  beforeAll(() => useBackend(backend));

  for (const name of [...floatNets, ...quantizedNets])
    it(`gives the accuracy and the loss that torch gave for ${name}`, async () => {
      const net = await goldenNet(name);
      for (const view of ['dequantized', 'latent'] as const) {
        const subject = openModel(net.model, { view }, 'test');
        const train = await evaluate(subject, await openData(net.train, 'test'), {}, 'test');
        const test = await evaluate(subject, await openData(net.test, 'test'), {}, 'test');
        subject.close();
        expect(Math.abs(train.accuracy - net.spec.trainAcc)).toBeLessThanOrEqual(1 / net.spec.m);
        expect(Math.abs(test.accuracy - net.spec.testAcc)).toBeLessThanOrEqual(1 / net.test.ys.length);
        expect(Math.abs(train.loss / net.spec.trainLoss - 1)).toBeLessThan(2e-5);
        expect(Math.abs(test.loss / net.spec.testLoss - 1)).toBeLessThan(2e-5);
      }
    });
});
