import { shown } from '@qgen/core';
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

const known = new WeakMap<FrostTexture, FrostImage>();

/**
 * The levels of textures, each read once.
 *
 * @throws TypeError where they are no array of textures; RangeError where there are none, where the size of one does not
 * fit its data, and on levels that are NaN or out of range
 */
export function frostImages(caller: string, textures: readonly FrostTexture[]): FrostImage[] {
  if (!Array.isArray(textures))
    throw new TypeError(
      `${caller}: textures must be an array of tensors [H, W, 3] or { height, width, data }, got ${shown(textures)}`,
    );
  if (textures.length === 0)
    throw new RangeError(`${caller}: textures is empty; give at least one, or leave it out for the synthetic ones`);
  return textures.map((texture: FrostTexture, i) => {
    const image = known.get(texture) ?? frostImageOf(`${caller}: textures[${i}]`, texture);
    known.set(texture, image);
    return image;
  });
}

function frostImageOf(what: string, texture: FrostTexture): FrostImage {
  if (typeof texture !== 'object' || texture === null || !(texture instanceof tf.Tensor || texture.data?.length >= 0))
    throw new TypeError(`${what} must be a tensor [H, W, 3] or { height, width, data }, got ${shown(texture)}`);
  const [height, width, channels, data] =
    texture instanceof tf.Tensor
      ? [...texture.shape, tensorLevels(texture)]
      : [texture.height, texture.width, texture.data.length / (texture.height * texture.width), texture.data];
  if (!(height >= 1 && width >= 1) || (channels !== 3 && channels !== 4))
    throw new RangeError(
      `${what} must have 3 or 4 channels, got ${height}×${width}×${channels}; give [H, W, 3] in RGB`,
    );
  const levels = new Uint8Array(height * width * 3);
  for (let from = 0, to = 0; to < levels.length; from += channels)
    for (let c = 0; c < 3; c++) {
      const level = data[from + c];
      if (!(level >= 0 && level <= 255))
        throw new RangeError(`${what} must hold levels 0..255 (float32 tensors 0..1), got level ${level}`);
      levels[to++] = level;
    }
  return { height, width, levels };
}

function tensorLevels(texture: tf.Tensor3D): ArrayLike<number> {
  const values = texture.dataSync();
  return texture.dtype === 'float32' ? values.map((value) => Math.round(255 * value)) : values;
}
