/**
 * RGB to YCbCr and back in 16-bit fixed point, and the halving of the chroma planes and back, as libjpeg does them.
 */

/** A plane of 8-bit samples. */
export interface Plane {
  readonly height: number;
  readonly width: number;
  readonly samples: Uint8Array;
}

const HALF = 1 << 15;
const CENTRE = 128 << 16;

/** Y = 0.299 R + 0.587 G + 0.114 B, Cb = 0.5 (B − Y) / 0.886 + 128, Cr = 0.5 (R − Y) / 0.701 + 128. */
export function toYCbCr(levels: Uint8Array, height: number, width: number): readonly [Plane, Plane, Plane] {
  const plane = () => ({ height, width, samples: new Uint8Array(height * width) });
  const planes = [plane(), plane(), plane()] as const;
  const [{ samples: y }, { samples: cb }, { samples: cr }] = planes;
  for (let i = 0, at = 0; i < y.length; i++, at += 3) {
    const r = levels[at];
    const g = levels[at + 1];
    const b = levels[at + 2];
    y[i] = (19595 * r + 38470 * g + 7471 * b + HALF) >> 16;
    cb[i] = (-11059 * r - 21709 * g + 32768 * b + CENTRE + HALF - 1) >> 16;
    cr[i] = (32768 * r - 27439 * g - 5329 * b + CENTRE + HALF - 1) >> 16;
  }
  return planes;
}

/** The inverse, of three planes of the size of the image. */
export function toRgb(y: Uint8Array, cb: Uint8Array, cr: Uint8Array): Uint8Array {
  const levels = new Uint8ClampedArray(3 * y.length);
  for (let i = 0, at = 0; i < y.length; i++, at += 3) {
    const blue = cb[i] - 128;
    const red = cr[i] - 128;
    levels[at] = y[i] + ((91881 * red + HALF) >> 16);
    levels[at + 1] = y[i] + ((-22554 * blue - 46802 * red + HALF) >> 16);
    levels[at + 2] = y[i] + ((116130 * blue + HALF) >> 16);
  }
  return new Uint8Array(levels.buffer);
}

/**
 * Means of 2×2 samples; the sum of four is rounded by adding 1 and 2 in turn along a row. Before that the last column
 * is repeated up to a multiple of 16, so that the result holds whole blocks across, and an odd last row once.
 */
export function halved({ height, width, samples }: Plane): Plane {
  const half = { height: Math.ceil(height / 2), width: 8 * Math.ceil(width / 16) };
  const out = new Uint8Array(half.height * half.width);
  for (let y = 0, at = 0; y < half.height; y++) {
    const upper = 2 * y * width;
    const lower = Math.min(2 * y + 1, height - 1) * width;
    for (let x = 0; x < half.width; x++, at++) {
      const left = Math.min(2 * x, width - 1);
      const right = Math.min(2 * x + 1, width - 1);
      const sum = samples[upper + left] + samples[upper + right] + samples[lower + left] + samples[lower + right];
      out[at] = (sum + 1 + (x & 1)) >> 2;
    }
  }
  return { ...half, samples: out };
}

/**
 * A `halved` plane at height × width again, each sample ¾ of the nearest and ¼ of the next along both axes ("fancy"
 * upsampling), edges repeated. In images of up to four columns the nearest is taken, as libjpeg does.
 */
export function doubled({ width: stride, samples }: Plane, height: number, width: number): Uint8Array {
  const lastRow = Math.ceil(height / 2) - 1;
  const lastColumn = Math.ceil(width / 2) - 1;
  const out = new Uint8Array(height * width);
  const sums = new Int32Array(lastColumn + 1);
  for (let y = 0, at = 0; y < height; y++) {
    const near = (y >> 1) * stride;
    const far = Math.min(Math.max((y >> 1) + (y & 1 ? 1 : -1), 0), lastRow) * stride;
    if (lastColumn < 2) {
      for (let x = 0; x < width; x++) out[at++] = samples[near + (x >> 1)];
      continue;
    }
    for (let x = 0; x < sums.length; x++) sums[x] = 3 * samples[near + x] + samples[far + x];
    for (let x = 0; x < width; x++) {
      const next = Math.min(Math.max((x >> 1) + (x & 1 ? 1 : -1), 0), lastColumn);
      out[at++] = (3 * sums[x >> 1] + sums[next] + (x & 1 ? 7 : 8)) >> 4;
    }
  }
  return out;
}
