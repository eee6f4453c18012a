import { requireBooleans, shown } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Simd, simdModule } from './backends/simd-module';
import type { Corruption, Variant } from './corruption';
import type { FieldsOf } from './definitions';
import { jpegCompression } from './digital/jpeg-compression';
import { requireFields } from './fields/field-rules';
import { hostValues } from './images/host-values';
import { type ImageShape, type SimdImage, sizeOf } from './images/image';
import { deviceLevels, imageShapeOf, levelsInMemory, levelsOf, writeFromMemory, writeLevels } from './images/levels';
import type { CorruptionName } from './options/severities';
import { DRAW_OPTIONS, type DrawOptions, requireOptions, type Settled, settleBatch } from './settle';

export type CorruptOptions<N extends CorruptionName = CorruptionName> = DrawOptions<N> & {
  /** The randomness, one object per image, as `drawFields` returns it. Default: drawn from `seed`. */
  readonly fields?: readonly FieldsOf[N][];
  /** Passes the result through JPEG of quality 85, as the published files of ImageNet-C and Tiny-ImageNet-C were. */
  readonly postJpeg85?: boolean;
};

const CORRUPT_OPTIONS = [...DRAW_OPTIONS, 'fields', 'postJpeg85'];

/**
 * Corrupts images as ImageNet-C, CIFAR-10-C or Tiny-ImageNet-C do: Hendrycks & Dietterich 2019 (arXiv:1903.12261).
 *
 * `images`: [N, H, W, C] or [H, W, C] with 1 or 3 channels and any size from 1×1; int32 in 0..255, or float32 in 0..1,
 * which is read as the nearest of the 256 levels k/255. The result has the same shape, dtype and range, and, as the
 * published data, 8-bit levels: those of a float32 result are k/255. Image i depends on its corruption, its severity and
 * (seed, firstIndex + i) alone, so a batch equals its images one by one.
 *
 * A `severity` of a `preset`, or `parameters` of your own, say how strong it is. The name, the severity, the parameters and
 * `firstIndex` may each be an array with one entry for every image, for augmentation.
 *
 * Sizes other than the published ones follow the same formulas; for 'imagenet-c' those of imagecorruptions, the published
 * port to any size from 32 pixels up (see `dialect`). Parameters in pixels stay pixels: on small images 'imagenet-c'
 * is far too strong, for which 'cifar-c' was made. As in its code, motion_blur of imagecorruptions breaks off where its
 * trail is longer than the image, which darkens images below 41 pixels.
 *
 * Throws a RangeError on an unknown name, option, preset or severity, on parameters out of range, on arrays that are not
 * one for every image, on another rank or number of channels, on values that are NaN or out of range (on webgpu, where
 * looking at values would stall the device, they are clipped and NaN becomes 0), and on fields of the wrong number, size
 * or range; a TypeError on something that is not a tensor, on other dtypes and on parameters that are no numbers.
 */
export function corrupt<T extends tf.Tensor, N extends CorruptionName>(
  images: T,
  name: N | readonly N[],
  options: CorruptOptions<N>,
): T {
  return corruptFor('corrupt', images, name, options as CorruptOptions);
}

/** `corrupt` on behalf of `caller`, which errors name. */
export function corruptFor<T extends tf.Tensor>(
  caller: string,
  images: T,
  name: CorruptionName | readonly CorruptionName[],
  options: CorruptOptions,
): T {
  if (!(images instanceof tf.Tensor)) throw new TypeError(`${caller}: images must be a tensor, got ${shown(images)}`);
  if (images.isDisposed) throw new RangeError(`${caller}: images are disposed; keep them until they are corrupted`);
  if (images.dtype !== 'int32' && images.dtype !== 'float32')
    throw new TypeError(`${caller}: images must be int32 in 0..255 or float32 in 0..1, got dtype ${images.dtype}`);
  requireOptions(caller, options, CORRUPT_OPTIONS);
  const shape = imageShapeOf(caller, images.shape);
  const batch = settleBatch(caller, name, shape, options);
  const { fields, postJpeg85 = false } = options;
  requireBooleans(caller, { postJpeg85 });
  if (fields !== undefined)
    requireFields(caller, fields, shape, (own, i) => {
      const { definition, parameters, variant } = batch.images[i];
      return definition.fieldRules(shape, parameters, own, variant);
    });
  const fieldsOf = (i: number) => {
    const { definition, parameters, variant } = batch.images[i];
    return fields?.[i] ?? definition.draw(shape, parameters, batch.stream(i), variant);
  };
  const run = tf.getBackend() === 'webgpu' ? onWebGPU : onHost;
  return run(images, shape, batch.images, fieldsOf, postJpeg85) as T;
}

/** The quality that the published files were saved with. */
const PUBLISHED_QUALITY = 85;

function onHost(
  images: tf.Tensor,
  { count, ...shape }: Shape,
  settled: readonly Settled[],
  fieldsOf: (i: number) => unknown,
  postJpeg85: boolean,
): tf.Tensor {
  const simd = tf.getBackend() === 'cpu' ? undefined : simdModule();
  const size = sizeOf(shape);
  const values = hostValues(images);
  try {
    for (let i = 0; i < count; i++) {
      const { definition, parameters, variant } = settled[i];
      const { caller } = variant;
      const fields = fieldsOf(i);
      const source = values.source().subarray(i * size, (i + 1) * size);
      const target = () => values.target().subarray(i * size, (i + 1) * size);
      if (simd) {
        simd.reset(caller);
        let at = levelsInMemory(simd, caller, source);
        at = inMemory(simd, definition, { ...shape, at }, parameters, fields, variant);
        if (postJpeg85) at = inMemory(simd, jpegCompression, { ...shape, at }, PUBLISHED_QUALITY, {}, variant);
        writeFromMemory(simd, at, target());
      } else {
        let levels = levelsOf(caller, source);
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

/** Corrupts an image in the memory of the SIMD module, by the definition where there is nothing faster. */
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

function onWebGPU(
  images: tf.Tensor,
  { count, height, width, channels }: Shape,
  settled: readonly Settled[],
  fieldsOf: (i: number) => unknown,
  postJpeg85: boolean,
): tf.Tensor {
  return tf.tidy(() => {
    const levels = deviceLevels(tf.reshape(images, [count, height, width, channels]));
    let out = byKind(levels, settled, (group, { definition, parameters, variant }, places) =>
      definition.onDevice!(group, parameters, places.map(fieldsOf), variant),
    );
    if (postJpeg85 && count > 0) out = jpegCompression.onDevice!(out, PUBLISHED_QUALITY, [], settled[0].variant);
    return tf.reshape(images.dtype === 'int32' ? out : tf.div(tf.cast(out, 'float32'), 255), images.shape);
  });
}

/** Applies `f` to the images of a batch to which the same is done, kind by kind, and puts them back in their order. */
function byKind(
  levels: tf.Tensor4D,
  settled: readonly Settled[],
  f: (group: tf.Tensor4D, kind: Settled, places: readonly number[]) => tf.Tensor4D,
): tf.Tensor4D {
  const kinds = new Map<Settled, number[]>();
  for (const [i, kind] of settled.entries()) {
    if (!kinds.has(kind)) kinds.set(kind, []);
    kinds.get(kind)!.push(i);
  }
  const groups = [...kinds];
  if (groups.length === 0) return levels;
  if (groups.length === 1) return f(levels, ...groups[0]);
  const parts = groups.map(([kind, places]) => f(tf.gather(levels, tf.tensor1d(places, 'int32')), kind, places));
  const order = new Int32Array(settled.length);
  for (const [at, place] of groups.flatMap(([, places]) => places).entries()) order[place] = at;
  return tf.gather(tf.concat(parts, 0), tf.tensor1d(order, 'int32'));
}

type Shape = ImageShape & { readonly count: number };
