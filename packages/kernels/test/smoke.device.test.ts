import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../test/backends';

describe.each(backends)('on %s', (backend) => {
  beforeAll(() => useBackend(backend));
  it('adds', async () => {
    expect(tf.getBackend()).toBe(backend);
    expect(Array.from(await tf.add([1, 2], [3, 4]).data())).toEqual([4, 6]);
  });
});
