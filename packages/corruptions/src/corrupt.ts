import * as tf from '@tensorflow/tfjs-core';
import { type Corruption, type ImageShape, type SimdImage, sizeOf, type Variant } from './corruption';
import type { FieldsOf } from './definitions';
import { jpegCompression } from './digital/jpeg-compression';
import { type DrawOptions, requireIndex, requireOptions, settle } from './draw-fields';
import { requireFields } from './field-rules';
import { hostValues } from './host-values';
import { imageStream } from './image-stream';
import { deviceLevels, imageShapeOf, levelsInMemory, levelsOf, writeFromMemory, writeLevels } from './levels';
import type { CorruptionName } from './severities';
import { type Simd, simdModule } from './simd-module';

export interface CorruptOptions<N extends CorruptionName = CorruptionName> extends DrawOptions {
  /** The randomness, one object per image, as `drawFields` returns it. Default: drawn from `seed`. */
  readonly fields?: readonly FieldsOf[N][];
  /** Passes the result through JPEG of quality 85, as the published files of ImageNet-C and Tiny-ImageNet-C were. */
  readonly postJpeg85?: boolean;
}

/**
 * Corrupts images as ImageNet-C, CIFAR-10-C or Tiny-ImageNet-C do: Hendrycks & Dietterich 2019 (arXiv:1903.12261).
 *
 * `images`: [N, H, W, C] or [H, W, C] with 1 or 3 channels and any size from 1×1; int32 in 0..255, or float32 in 0..1,
 * which is read as the nearest of the 256 levels k/255. The result has the same shape, dtype and range, and, as the
 * published data, 8-bit levels: those of a float32 result are k/255. Image i depends on (seed, firstIndex + i) alone, so
 * a batch equals its images one by one.
 *
 * Sizes other than the published ones follow the same formulas; for 'imagenet-c' those of imagecorruptions, the published
 * port to any size (see `dialect`). Parameters in pixels stay pixels.
 *
 * Throws a RangeError on an unknown name, preset or severity, on another rank or number of channels, on values that are
 * NaN or out of range (on webgpu, where looking at values would stall the device, they are clipped and NaN becomes 0), and on
 * fields of the wrong number, size or range; a TypeError on something that is not a tensor and on other dtypes.
 */
export function corrupt<T extends tf.Tensor, N extends CorruptionName>(
  images: T,
  name: N,
  options: CorruptOptions<N>,
): T {
  if (!(images instanceof tf.Tensor))
    throw new TypeError(`corrupt: images must be a tensor, got ${images === null ? 'null' : typeof images}`);
  images.throwIfDisposed();
  if (images.dtype !== 'int32' && images.dtype !== 'float32')
    throw new TypeError(`corrupt: images must be int32 in 0..255 or float32 in 0..1, got dtype ${images.dtype}`);
  requireOptions('corrupt', options);
  const shape = imageShapeOf('corrupt', images.shape);
  const { definition, parameters, variant } = settle('corrupt', name, shape, options);
  const { seed = 0, firstIndex = 0, fields } = options;
  requireIndex('corrupt', 'seed', seed);
  requireIndex('corrupt', 'firstIndex', firstIndex);
  if (fields) requireFields(fields, shape, (own) => definition.fieldRules(shape, parameters, own, variant));
  const fieldsOf = (i: number) =>
    fields?.[i] ?? definition.draw(shape, parameters, imageStream(seed, firstIndex + i), variant);
  const run = tf.getBackend() === 'webgpu' ? onWebGPU : onHost;
  return run(images, shape, definition, parameters, fieldsOf, variant, options.postJpeg85 === true) as T;
}

/** The quality that the published files were saved with. */
const PUBLISHED_QUALITY = 85;

function onHost<P, F>(
  images: tf.Tensor,
  { count, ...shape }: Shape,
  definition: Corruption<P, F>,
  parameters: P,
  fieldsOf: (i: number) => F,
  variant: Variant,
  postJpeg85: boolean,
): tf.Tensor {
  const simd = tf.getBackend() === 'cpu' ? undefined : simdModule();
  const size = sizeOf(shape);
  const values = hostValues(images);
  try {
    for (let i = 0; i < count; i++) {
      const fields = fieldsOf(i);
      const source = values.source().subarray(i * size, (i + 1) * size);
      const target = () => values.target().subarray(i * size, (i + 1) * size);
      if (simd) {
        simd.reset();
        let at = levelsInMemory(simd, 'corrupt', source);
        at = inMemory(simd, definition, { ...shape, at }, parameters, fields, variant);
        if (postJpeg85) at = inMemory(simd, jpegCompression, { ...shape, at }, PUBLISHED_QUALITY, {}, variant);
        writeFromMemory(simd, at, target());
      } else {
        let levels = levelsOf('corrupt', source);
        levels = definition.apply({ ...shape, levels }, parameters, fields, variant);
        if (postJpeg85) levels = jpegCompression.apply({ ...shape, levels }, PUBLISHED_QUALITY, {}, variant);
        writeLevels(levels, target());
      }
    }
  } catch (error) {
    values.discard();
    throw error;
  }
  return values.finish();
}

/** What a corruption makes of an image in the memory of the SIMD module; the definition, where there is nothing faster. */
function inMemory<P, F>(
  simd: Simd,
  { apply, simd: fast }: Corruption<P, F>,
  image: SimdImage,
  parameters: P,
  fields: F,
  variant: Variant,
): number {
  const at = fast?.(simd, image, parameters, fields, variant);
  if (at !== undefined) return at;
  const levels = simd.bytes(image.at, sizeOf(image));
  return simd.copy(apply({ ...image, levels }, parameters, fields, variant));
}

function onWebGPU<P, F>(
  images: tf.Tensor,
  { count, height, width, channels }: Shape,
  definition: Corruption<P, F>,
  parameters: P,
  fieldsOf: (i: number) => F,
  variant: Variant,
  postJpeg85: boolean,
): tf.Tensor {
  return tf.tidy(() => {
    const fields = Array.from({ length: count }, (_, i) => fieldsOf(i));
    const levels = deviceLevels(tf.reshape(images, [count, height, width, channels]));
    let out = definition.onDevice!(levels, parameters, fields, variant);
    if (postJpeg85) out = jpegCompression.onDevice!(out, PUBLISHED_QUALITY, [], variant);
    return tf.reshape(images.dtype === 'int32' ? out : tf.div(tf.cast(out, 'float32'), 255), images.shape);
  });
}

type Shape = ImageShape & { readonly count: number };
