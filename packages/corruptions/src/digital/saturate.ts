import * as tf from '@tensorflow/tfjs-core';
import { type Corruption, deterministic, type NoFields } from '../corruption';
import { number } from '../fields/field-rules';
import { editedHsv, editedHsvInMemory, editedHsvOnDevice } from '../filters/hsv';

/** S := clip(S a + b) in hue, saturation, value. Greys have hue 0, so b > 0 tints them red; one channel stays as it is. */
export const saturate: Corruption<readonly [factor: number, offset: number], NoFields> = {
  ...deterministic,
  parameterRules: { factor: number(0, 1000), offset: number(-1, 1) },
  apply({ levels, channels }, [a, b]) {
    if (channels === 1) return levels.slice();
    return editedHsv(levels, { factor: a, offset: b, value: 0 });
  },
  simd: (simd, image, [a, b]) => editedHsvInMemory(simd, image, { factor: a, offset: b, value: 0 }),
  onDevice(images, [a, b]) {
    if (images.shape[3] === 1) return tf.clone(images);
    const saturation = 'clamp(s * uniforms.a + uniforms.b, 0.0, 1.0)';
    return editedHsvOnDevice(images, 'saturate', { a, b }, { saturation, value: 'v' });
  },
};
