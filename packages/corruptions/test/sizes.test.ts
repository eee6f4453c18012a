import { corrupt, drawFields } from '@qgen/corruptions';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { backends, useBackend } from '../../../test/backends';

const grey = (side: number, level = 200) => tf.fill([side, side, 3], level, 'int32') as tf.Tensor3D;

describe.each(backends)("'imagenet-c' on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  it('below 32 pixels follows the code whose trails repeat the edge, so that grey stays grey', () => {
    for (const side of [1, 5, 16, 31])
      for (const severity of [1, 2, 3, 4, 5]) {
        const out = corrupt(grey(side), 'motion_blur', { severity, preset: 'imagenet-c' });
        expect([side, severity, ...new Set(out.dataSync())]).toEqual([side, severity, 200]);
      }
  });

  it('from 32 pixels up follows imagecorruptions, whose trail ends with the image: 41 taps lose those from 32 on', () => {
    const taps = Array.from({ length: 41 }, (_, i) => Math.exp(-(i * i) / (2 * 15 * 15)));
    const sum = (n: number) => taps.slice(0, n).reduce((total, tap) => total + tap);
    const darkened = Math.floor((200 * sum(32)) / sum(41));
    expect(darkened).toBe(194);
    const options = { severity: 5, preset: 'imagenet-c', fields: [{ angle: 0 }] } as const;
    expect(new Set(corrupt(grey(32), 'motion_blur', options).dataSync())).toEqual(new Set([darkened]));
    const whole = new Set(corrupt(grey(41), 'motion_blur', options).dataSync());
    expect([...whole].every((level) => level >= 199)).toBe(true);
  });

  it('below 32 pixels refuses to follow imagecorruptions, which refuses such images', () => {
    const options = { severity: 1, preset: 'imagenet-c', dialect: 'imagecorruptions' } as const;
    expect(() => corrupt(grey(31), 'contrast', options)).toThrow(
      /^corrupt: images must be at least 32 pixels high and wide in the dialect 'imagecorruptions', .* got 31×31; /,
    );
    expect(() => drawFields('fog', [40, 20, 3], options)).toThrow(/^drawFields: images must be .* got 40×20/);
    corrupt(grey(32), 'contrast', options).dispose();
  });
});
