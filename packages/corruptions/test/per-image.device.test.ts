import { type CorruptionName, corrupt, drawFields } from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { backends, leakedTensors, useBackend } from '../../../test/backends';
import { NAMES } from '../src/options/severities';

vi.setConfig({ testTimeout: 240_000 });

const [height, width] = [9, 12];

function pictures(count: number): tf.Tensor4D {
  const levels = Int32Array.from({ length: count * height * width * 3 }, (_, i) => (i * 37 + ((i * i) % 101)) % 256);
  return tf.tensor4d(levels, [count, height, width, 3], 'int32');
}

/** The levels of each image of a batch. */
async function each(batch: tf.Tensor): Promise<number[][]> {
  const levels = Array.from(await batch.data());
  const size = height * width * 3;
  batch.dispose();
  return Array.from({ length: levels.length / size }, (_, i) => levels.slice(i * size, (i + 1) * size));
}

describe.each(backends)('a corruption of its own for every image, on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('gives what each image alone is given, whatever the others are: names, severities, indices', async () => {
    const images = pictures(2 * NAMES.length);
    const name = [...NAMES, ...NAMES.toReversed()];
    const severity = name.map((_, i) => 1 + (i % 5));
    const firstIndex = name.map((_, i) => (i * 7) % 40);
    const batch = await each(corrupt(images, name, { severity, firstIndex, preset: 'cifar-c', seed: 3 }));
    for (const [i, own] of name.entries()) {
      const image = tf.slice(images, i, 1) as tf.Tensor4D;
      const options = { severity: severity[i], firstIndex: firstIndex[i], preset: 'cifar-c', seed: 3 } as const;
      const [alone] = await each(corrupt(image, own, options));
      expect([own, i, batch[i]]).toEqual([own, i, alone]);
      image.dispose();
    }
    images.dispose();
  });

  it('each array alone: of severities, of indices (typed, too), of names', async () => {
    const images = pictures(3);
    const options = { severity: 2, preset: 'cifar-c', seed: 1 } as const;
    const all = async (name: CorruptionName | readonly CorruptionName[], more: object) =>
      each(corrupt(images, name, { ...options, ...more }));
    const one = async (i: number, name: CorruptionName, more: object) => {
      const image = tf.slice(images, i, 1) as tf.Tensor4D;
      const [alone] = await each(corrupt(image, name, { ...options, ...more }));
      image.dispose();
      return alone;
    };
    const severities = await all('gaussian_noise', { severity: [5, 1, 5] });
    const indices = await all('gaussian_noise', { firstIndex: Int32Array.of(9, 0, 2) });
    const names = await all(['fog', 'snow', 'fog'], {});
    for (const i of [0, 1, 2]) {
      expect(severities[i]).toEqual(await one(i, 'gaussian_noise', { severity: [5, 1, 5][i], firstIndex: i }));
      expect(indices[i]).toEqual(await one(i, 'gaussian_noise', { firstIndex: [9, 0, 2][i] }));
      expect(names[i]).toEqual(await one(i, (['fog', 'snow', 'fog'] as const)[i], { firstIndex: i }));
    }
    images.dispose();
  });

  it('parameters of each image: a number each, numbers each, or those of its own corruption', async () => {
    const images = pictures(3);
    const fogs = await each(
      corrupt(images, 'fog', {
        parameters: [
          [1, 2],
          [2, 1.5],
          [1, 2],
        ] as const,
      }),
    );
    const contrasts = await each(corrupt(images, 'contrast', { parameters: [0.3, 0.7, 0.3] }));
    const mixed = await each(
      corrupt(images, ['contrast', 'fog', 'motion_blur'], { parameters: [0.7, [2, 1.5], [4, 2]] }),
    );
    const same = await each(corrupt(images, ['fog', 'fog', 'fog'], { parameters: [2, 1.5] }));
    for (const i of [0, 1, 2]) {
      const image = tf.slice(images, i, 1) as tf.Tensor4D;
      const one = async (name: CorruptionName, parameters: unknown) =>
        (await each(corrupt(image, name, { parameters: parameters as never, firstIndex: i })))[0];
      expect(fogs[i]).toEqual(
        await one(
          'fog',
          [
            [1, 2],
            [2, 1.5],
            [1, 2],
          ][i],
        ),
      );
      expect(contrasts[i]).toEqual(await one('contrast', [0.3, 0.7, 0.3][i]));
      expect(mixed[i]).toEqual(await one((['contrast', 'fog', 'motion_blur'] as const)[i], [0.7, [2, 1.5], [4, 2]][i]));
      expect(same[i]).toEqual(await one('fog', [2, 1.5]));
      image.dispose();
    }
    images.dispose();
  });

  it('drawFields replays a mixed batch; float32 stays float32, JPEG comes after, and nothing is left behind', async () => {
    const images = pictures(4);
    const floats = tf.div(tf.cast(images, 'float32'), 255) as tf.Tensor4D;
    const name = ['shot_noise', 'frost', 'pixelate', 'shot_noise'] as const;
    const options = { severity: [1, 2, 3, 4], preset: 'tiny-imagenet-c', seed: 8, postJpeg85: true } as const;
    const { postJpeg85, ...draw } = options;
    const leaked = await leakedTensors(async () => {
      const expected = await each(corrupt(images, name, options));
      const fields = drawFields(name, images.shape, draw);
      expect(await each(corrupt(images, name, { ...options, seed: 0, fields }))).toEqual(expected);
      const unit = corrupt(floats, name, options);
      expect(unit.dtype).toBe('float32');
      expect((await each(unit)).map((values) => values.map((value) => Math.round(255 * value)))).toEqual(expected);
    });
    expect(leaked).toBe(0);
    tf.dispose([images, floats]);
  });

  it('one image has arrays of one, no image arrays of none', async () => {
    const image = tf.fill([height, width, 3], 128, 'int32') as tf.Tensor3D;
    const options = { severity: [2], firstIndex: [5], preset: 'cifar-c' } as const;
    const [own] = await each(corrupt(image, ['gaussian_noise'], options));
    expect(own).toEqual(
      (await each(corrupt(image, 'gaussian_noise', { severity: 2, firstIndex: 5, preset: 'cifar-c' })))[0],
    );
    const none = tf.zeros([0, 4, 4, 3], 'int32') as tf.Tensor4D;
    expect(corrupt(none, [], { severity: [], firstIndex: [], preset: 'cifar-c' }).shape).toEqual([0, 4, 4, 3]);
    expect(corrupt(none, [], { severity: 1, preset: 'cifar-c', postJpeg85: true }).shape).toEqual([0, 4, 4, 3]);
    expect(corrupt(none, 'fog', { severity: 1, preset: 'cifar-c', postJpeg85: true }).shape).toEqual([0, 4, 4, 3]);
  });
});
