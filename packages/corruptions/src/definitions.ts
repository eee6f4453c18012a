import { defocusBlur } from './blur/defocus-blur';
import { gaussianBlur } from './blur/gaussian-blur';
import { type GlassField, glassBlur } from './blur/glass-blur';
import { type AngleField, motionBlur } from './blur/motion-blur';
import { zoomBlur } from './blur/zoom-blur';
import type { Corruption, NoFields } from './corruption';
import { contrast } from './digital/contrast';
import { type ElasticField, elasticTransform } from './digital/elastic-transform';
import { jpegCompression } from './digital/jpeg-compression';
import { pixelate } from './digital/pixelate';
import { saturate } from './digital/saturate';
import { gaussianNoise, type NormalField, speckleNoise } from './noise/gaussian-noise';
import { type ImpulseField, impulseNoise } from './noise/impulse-noise';
import { type ShotField, shotNoise } from './noise/shot-noise';
import type { CorruptionName, ParametersOf } from './options/severities';
import { brightness } from './weather/brightness';
import { type FogField, fog } from './weather/fog';
import { type FrostField, frost } from './weather/frost';
import { type SnowField, snow } from './weather/snow';
import { type SpatterField, spatter } from './weather/spatter';

/** The random fields of one image, by corruption: typed arrays over the image, rows first and channels last. */
export interface FieldsOf {
  gaussian_noise: NormalField;
  shot_noise: ShotField;
  impulse_noise: ImpulseField;
  defocus_blur: NoFields;
  glass_blur: GlassField;
  motion_blur: AngleField;
  zoom_blur: NoFields;
  snow: SnowField;
  frost: FrostField;
  fog: FogField;
  brightness: NoFields;
  contrast: NoFields;
  elastic_transform: ElasticField;
  pixelate: NoFields;
  jpeg_compression: NoFields;
  speckle_noise: NormalField;
  gaussian_blur: NoFields;
  spatter: SpatterField;
  saturate: NoFields;
}

/** Every corruption by name. */
export const DEFINITIONS: { readonly [N in CorruptionName]: Corruption<ParametersOf[N], FieldsOf[N]> } = {
  gaussian_noise: gaussianNoise,
  shot_noise: shotNoise,
  impulse_noise: impulseNoise,
  defocus_blur: defocusBlur,
  glass_blur: glassBlur,
  motion_blur: motionBlur,
  zoom_blur: zoomBlur,
  snow,
  frost,
  fog,
  brightness,
  contrast,
  elastic_transform: elasticTransform,
  pixelate,
  jpeg_compression: jpegCompression,
  speckle_noise: speckleNoise,
  gaussian_blur: gaussianBlur,
  spatter,
  saturate,
};
