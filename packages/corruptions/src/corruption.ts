import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Simd } from './backends/simd-module';
import type { FieldRule } from './fields/field-rules';
import type { ImageStream } from './fields/image-stream';
import type { Image, ImageShape, SimdImage } from './images/image';
import type { Preset, Severity } from './options/severities';
import type { FrostImage } from './weather/frost/frost-images';

/**
 * Which published code decides where two disagree: the authors' scripts (hendrycks/robustness), written for the square
 * images of each preset, or their port to any size (bethgelab/imagecorruptions, Michaelis et al. 2019,
 * arXiv:1907.07484).
 */
export type Dialect = 'robustness' | 'imagecorruptions';

export interface Variant {
  /** The function that was called, for messages. */
  readonly caller: string;
  readonly preset: Preset;
  /** 0: parameters of the caller's own. */
  readonly severity: Severity | 0;
  readonly dialect: Dialect;
  /** The caller's pictures of frost. */
  readonly textures?: readonly FrostImage[];
}

/**
 * A corruption with parameters P and, for each image, random fields F. `apply` is the definition, on the host: levels
 * in, levels out. The others compute the same, up to ties that float32 rounds the other way: `simd` one image in the
 * memory of the WebAssembly module, from which it tells the address of the new levels, or undefined for what it leaves to
 * `apply`; `onDevice` a batch of levels (int32, [N, H, W, C]) on webgpu, where nothing is read back.
 */
export interface Corruption<P, F> {
  /** A rule for each parameter, in their order, which the caller's own parameters must obey. */
  readonly parameterRules: Readonly<Record<string, FieldRule>>;
  /** The randomness of one image. */
  draw(shape: ImageShape, parameters: P, stream: ImageStream, variant: Variant): F;
  /** A rule for each field, which given fields must obey. */
  fieldRules(shape: ImageShape, parameters: P, fields: F, variant: Variant): Readonly<Record<string, FieldRule>>;
  apply(image: Image, parameters: P, fields: F, variant: Variant): Uint8Array;
  simd?(simd: Simd, image: SimdImage, parameters: P, fields: F, variant: Variant): number | undefined;
  onDevice?(images: Tensor4D, parameters: P, fields: readonly F[], variant: Variant): Tensor4D;
}

/** Fields of a corruption that is a function of the image alone. */
export type NoFields = Readonly<Record<never, never>>;

export const deterministic = { draw: (): NoFields => ({}), fieldRules: () => ({}) };
