import { defocusBlur } from './blur/defocus-blur';
import type { Corruption, NoFields } from './corruption';
import { contrast } from './digital/contrast';
import { pixelate } from './digital/pixelate';
import { saturate } from './digital/saturate';
import { gaussianNoise, type NormalField, speckleNoise } from './noise/gaussian-noise';
import { type ImpulseField, impulseNoise } from './noise/impulse-noise';
import type { CorruptionName, ParametersOf } from './severities';
import { brightness } from './weather/brightness';

/** The random fields of one image, by corruption: typed arrays over the image, rows first and channels last. */
export interface FieldsOf extends Record<CorruptionName, object> {
  gaussian_noise: NormalField;
  speckle_noise: NormalField;
  impulse_noise: ImpulseField;
  defocus_blur: NoFields;
  brightness: NoFields;
  contrast: NoFields;
  pixelate: NoFields;
  saturate: NoFields;
}

/** Every corruption by name. */
export const DEFINITIONS: Partial<{ readonly [N in CorruptionName]: Corruption<ParametersOf[N], FieldsOf[N]> }> = {
  gaussian_noise: gaussianNoise,
  impulse_noise: impulseNoise,
  speckle_noise: speckleNoise,
  defocus_blur: defocusBlur,
  brightness,
  contrast,
  pixelate,
  saturate,
};
