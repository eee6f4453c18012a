/** The size of one image. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** One image as its 8-bit levels, row by row, channels innermost. */
export interface Image extends ImageShape {
  readonly levels: Uint8Array;
}

/** One image in the memory of the SIMD module. */
export interface SimdImage extends ImageShape {
  /** The address of its levels, which may be overwritten. */
  readonly at: number;
}

/** The values that the levels stand for: level / 255. */
export const UNITS = Float64Array.from({ length: 256 }, (_, level) => level / 255);

/** How many levels an image has. */
export const sizeOf = ({ height, width, channels }: ImageShape) => height * width * channels;

/** The 8-bit level of x in 0..255, clipped and truncated toward zero as the published code does. NaN becomes 0. */
export function truncated(x: number): number {
  return x >= 255 ? 255 : x > 0 ? x | 0 : 0;
}
