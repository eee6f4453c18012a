import { corrupt } from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../test/backends';

describe.each(backends.filter((backend) => backend === 'tensorflow'))('on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('what one call returns is not changed by the next', async () => {
    const images = tf.fill([2, 32, 32, 3], 100, 'int32');
    const work = () => {
      const darker = corrupt(images, 'contrast', { preset: 'cifar-c', severity: 5 });
      const brighter = corrupt(images, 'brightness', { preset: 'cifar-c', severity: 5 });
      expect(new Set(brighter.dataSync())).not.toContain(100);
      expect(new Set(darker.dataSync())).toEqual(new Set([100]));
      tf.dispose([darker, brighter]);
    };
    expect(await leakedTensors(work)).toBe(0);
    images.dispose();
  });
});
