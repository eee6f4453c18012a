import { roundHalfEven } from '../round-half-even';
import type { FrostImage } from './frost-images';

/**
 * An image resized as `cv2.resize(image, (0, 0), fx=factor, fy=factor)` does for 8-bit images: bilinear without
 * anti-aliasing, output i taken at (i + 1/2)/factor − 1/2, weights in 1/2048, sizes rounded half to even. Exact.
 */
export function scaleLinear(image: FrostImage, factor: number): FrostImage {
  const rows = linearTaps(image.height, factor);
  const columns = linearTaps(image.width, factor);
  const [height, width] = [rows.length, columns.length];
  const levels = new Uint8Array(height * width * 3);
  let at = 0;
  for (const row of rows)
    for (const column of columns)
      for (let c = 0; c < 3; c++) {
        const across = (y: number) => {
          const line = y * image.width;
          return (
            image.levels[(line + column.first) * 3 + c]! * column.firstWeight +
            image.levels[(line + column.second) * 3 + c]! * column.secondWeight
          );
        };
        const upper = (row.firstWeight * (across(row.first) >> 4)) >> 16;
        const lower = (row.secondWeight * (across(row.second) >> 4)) >> 16;
        levels[at++] = (upper + lower + 2) >> 2;
      }
  return { height, width, levels };
}

interface LinearTap {
  readonly first: number;
  readonly second: number;
  readonly firstWeight: number;
  readonly secondWeight: number;
}

function linearTaps(size: number, factor: number): LinearTap[] {
  return Array.from({ length: roundHalfEven(size * factor) }, (_, i) => {
    const position = (i + 0.5) / factor - 0.5;
    const floor = Math.floor(position);
    const clamped = (at: number) => Math.min(Math.max(at, 0), size - 1);
    return {
      first: clamped(floor),
      second: clamped(floor + 1),
      firstWeight: roundHalfEven((1 - position + floor) * 2048),
      secondWeight: roundHalfEven((position - floor) * 2048),
    };
  });
}

/**
 * An image resized to height × width as `cv2.resize(…, interpolation=cv2.INTER_CUBIC)` does: cubic convolution with
 * a = −3/4 (Keys 1981) over four pixels, edges repeated. Within one level of it.
 */
export function scaleCubic(image: FrostImage, height: number, width: number): FrostImage {
  const rows = cubicTaps(image.height, height);
  const columns = cubicTaps(image.width, width);
  const wide = new Float32Array(image.height * width * 3);
  for (let y = 0, at = 0; y < image.height; y++)
    for (const { at: source, weights } of columns)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let k = 0; k < 4; k++) sum += weights[k]! * image.levels[(y * image.width + source[k]!) * 3 + c]!;
        wide[at++] = sum;
      }
  const levels = new Uint8ClampedArray(height * width * 3);
  rows.forEach(({ at: source, weights }, y) => {
    for (let i = 0; i < width * 3; i++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += weights[k]! * wide[source[k]! * width * 3 + i]!;
      levels[y * width * 3 + i] = sum;
    }
  });
  return { height, width, levels: new Uint8Array(levels.buffer) };
}

function cubicTaps(size: number, scaled: number) {
  return Array.from({ length: scaled }, (_, i) => {
    const position = ((i + 0.5) * size) / scaled - 0.5;
    const floor = Math.floor(position);
    const taps = [-1, 0, 1, 2];
    return {
      at: taps.map((k) => Math.min(Math.max(floor + k, 0), size - 1)),
      weights: taps.map((k) => cubic(Math.abs(position - floor - k))),
    };
  });
}

const CUBIC = -0.75;
const cubic = (x: number) =>
  x <= 1 ? ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * CUBIC : 0;
