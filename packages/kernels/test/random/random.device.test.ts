import { philoxBits, philoxNormals, philoxUniforms } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../../test/backends';
import { randomBits, randomNormal, randomUniform } from '../../src/index';

/** Addresses at which a carry, an odd word or a high word matters. */
const addresses = [
  { seed: 1 },
  { seed: 2 ** 40 + 7, stream: 2 ** 33 + 5, offset: 3 },
  { seed: 0, stream: 9, offset: 4 * (2 ** 32 - 2) + 1 },
  { seed: 5, offset: 2 ** 50 },
];

describe.each(backends)('on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(addresses)('draws the integers of the definition at %o', async (address) => {
    for (const n of [1, 2, 3, 63, 64, 65, 1000]) {
      const bits = randomBits([n], address);
      expect(bits.dtype).toBe('int32');
      expect(await bits.data()).toEqual(philoxBits(n, address));
      bits.dispose();
    }
  });

  it.each(addresses)('draws the uniform numbers of the definition at %o', async (address) => {
    const uniforms = randomUniform([101], address);
    expect(await uniforms.data()).toEqual(philoxUniforms(101, address));
    uniforms.dispose();
  });

  it.each(addresses)('draws the normal numbers of the definition at %o, up to rounding', async (address) => {
    const normals = randomNormal([3, 333], address);
    const drawn = await normals.data();
    const defined = philoxNormals(999, address);
    for (let i = 0; i < 999; i++)
      expect(Math.abs(drawn[i] - defined[i])).toBeLessThan(1e-6 * (1 + Math.abs(defined[i])));
    normals.dispose();
  });

  it('scales and shifts', async () => {
    const uniforms = randomUniform([8], { seed: 3, min: -2, max: 6 });
    const normals = randomNormal([8], { seed: 3, mean: 5, standardDeviation: 0.5 });
    const [u, n] = [philoxUniforms(8, { seed: 3 }), philoxNormals(8, { seed: 3 })];
    (await uniforms.data()).forEach((value, i) => {
      expect(value).toBeCloseTo(-2 + 8 * u[i], 5);
    });
    (await normals.data()).forEach((value, i) => {
      expect(value).toBeCloseTo(5 + n[i] / 2, 5);
    });
    tf.dispose([uniforms, normals]);
  });

  it('draws nothing for a shape without elements, and one number for a scalar', async () => {
    const [none, scalar] = [randomNormal([0, 3], { seed: 1 }), randomNormal([], { seed: 1 })];
    expect([none.shape, none.size, scalar.shape]).toEqual([[0, 3], 0, []]);
    expect((await scalar.data())[0]).toBeCloseTo(philoxNormals(1, { seed: 1 })[0], 5);
    tf.dispose([none, scalar]);
  });

  it('leaves no tensor behind', async () => {
    expect(await leakedTensors(() => tf.dispose([randomNormal([9], { seed: 1 }), randomBits([40], { seed: 1 })]))).toBe(
      0,
    );
  });
});
