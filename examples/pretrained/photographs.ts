/** Photographs of scikit-image, and crops of them. */
import { join } from 'node:path';
import { philoxUniforms } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';

export const TRAINING = ['astronaut', 'brick', 'chelsea', 'grass', 'gravel', 'hubble', 'retina', 'rocket'] as const;
export const JUDGING = ['camera', 'clock', 'coffee'] as const;

/** Height and width of what the networks see. */
const SIZE = 224;
/** Numbers that decide a crop. */
const DRAWS = 6;

/** [height, width, 3], values 0 to 1. */
export async function photograph(name: string): Promise<tf.Tensor3D> {
  const file = join(import.meta.dirname, 'photographs', `${name}.webp`);
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  return tf.tidy(() =>
    tf.div<tf.Tensor3D>(tf.tensor3d(new Float32Array(data), [info.height, info.width, info.channels]), 255),
  );
}

/** The square in the middle. */
export const middle = (photo: tf.Tensor3D): tf.Tensor4D => cut(photo, { scale: 1, y: 0.5, x: 0.5, flipped: false });

/**
 * Crops from chosen photographs: squares of a half of the shorter side to all of it, from anywhere, mirrored or not, a bit
 * brighter or darker and of more or less contrast. The crops with numbers `first`, `first + 1`, … of a seed.
 */
export function crops(photos: readonly tf.Tensor3D[], count: number, seed: number, first = 0): tf.Tensor4D {
  return tf.tidy(() =>
    tf.concat<tf.Tensor4D>(
      Array.from({ length: count }, (_, i) => {
        const u = philoxUniforms(DRAWS, { seed, offset: DRAWS * (first + i) });
        const photo = photos[(first + i) % photos.length]!;
        const crop = cut(photo, { scale: 0.5 + 0.5 * u[0]!, y: u[1]!, x: u[2]!, flipped: u[3]! < 0.5 });
        return tf.clipByValue<tf.Tensor4D>(
          tf.add<tf.Tensor4D>(tf.mul(crop, 0.8 + 0.4 * u[4]!), 0.2 * (u[5]! - 0.5)),
          0,
          1,
        );
      }),
    ),
  );
}

interface Cut {
  /** Of the shorter side. */
  readonly scale: number;
  /** Of the free room above and to the left. */
  readonly y: number;
  readonly x: number;
  readonly flipped: boolean;
}

function cut(photo: tf.Tensor3D, { scale, y, x, flipped }: Cut): tf.Tensor4D {
  const [height, width] = photo.shape;
  const side = scale * Math.min(height, width) - 1;
  const [top, left] = [y * (height - 1 - side), x * (width - 1 - side)];
  const [from, to] = flipped ? [left + side, left] : [left, left + side];
  const box = [top / (height - 1), from / (width - 1), (top + side) / (height - 1), to / (width - 1)];
  return tf.tidy(() =>
    tf.image.cropAndResize(
      tf.expandDims<tf.Tensor4D>(photo),
      [box as [number, number, number, number]],
      [0],
      [SIZE, SIZE],
    ),
  );
}
