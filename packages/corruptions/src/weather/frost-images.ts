import * as tf from '@tensorflow/tfjs-core';

/** A frost image in 8-bit levels, RGB, row by row, channels innermost. */
export interface FrostImage {
  readonly height: number;
  readonly width: number;
  readonly levels: Uint8Array;
}

/**
 * A frost image as the caller has it: [H, W, 3] or with alpha [H, W, 4] (which is dropped), as a tensor (int32 in 0..255
 * or float32 in 0..1) or as levels 0..255 with its size, such as an ImageData.
 */
export type FrostTexture =
  | tf.Tensor3D
  | { readonly height: number; readonly width: number; readonly data: ArrayLike<number> };

const images = new WeakMap<FrostTexture, FrostImage>();

/** The levels of a texture, read once. Throws a RangeError where its size does not fit its data. */
export function frostImageOf(texture: FrostTexture): FrostImage {
  const known = images.get(texture);
  if (known) return known;
  const [height, width, channels, data] =
    texture instanceof tf.Tensor
      ? [...texture.shape, tensorLevels(texture)]
      : [texture.height, texture.width, texture.data.length / (texture.height * texture.width), texture.data];
  if (!(height >= 1 && width >= 1) || (channels !== 3 && channels !== 4))
    throw new RangeError(
      `frost: a texture must have 3 or 4 channels, got ${height}×${width}×${channels}; give [H, W, 3] in RGB`,
    );
  const levels = new Uint8Array(height * width * 3);
  for (let from = 0, to = 0; to < levels.length; from += channels)
    for (let c = 0; c < 3; c++) levels[to++] = data[from + c]!;
  const image = { height, width, levels };
  images.set(texture, image);
  return image;
}

function tensorLevels(texture: tf.Tensor3D): ArrayLike<number> {
  const values = texture.dataSync();
  return texture.dtype === 'int32' ? values : values.map((value) => Math.round(255 * value));
}
