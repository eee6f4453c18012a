import { roundHalfEven } from '../../filters/round-half-even';
import type { FrostImage } from './frost-images';

/**
 * An image resized as `cv2.resize(image, (0, 0), fx=factor, fy=factor)` does for 8-bit images: bilinear without
 * anti-aliasing, output i taken at (i + 1/2)/factor − 1/2, weights in 1/2048, sizes rounded half to even. Exact.
 */
export function scaleLinear(image: FrostImage, factor: number): FrostImage {
  const rows = linearTaps(image.height, factor);
  const columns = linearTaps(image.width, factor);
  const [height, width] = [rows.length, columns.length];
  const across = [new Int32Array(width * 3), new Int32Array(width * 3)] as const;
  const known = [-1, -1];
  /** Row y of the image, scaled across. Of two neighbours both stay at hand. */
  const scaledAcross = (y: number): Int32Array => {
    const line = across[y & 1 ? 1 : 0];
    if (known[y & 1] === y) return line;
    known[y & 1] = y;
    const from = image.levels.subarray(y * image.width * 3, (y + 1) * image.width * 3);
    for (let x = 0, at = 0; x < width; x++) {
      const { first, second, firstWeight, secondWeight } = columns[x];
      for (let c = 0; c < 3; c++)
        line[at++] = (from[first * 3 + c] * firstWeight + from[second * 3 + c] * secondWeight) >> 4;
    }
    return line;
  };
  const levels = new Uint8Array(height * width * 3);
  let at = 0;
  for (const { first, second, firstWeight, secondWeight } of rows) {
    const upper = scaledAcross(first);
    const lower = scaledAcross(second);
    for (let i = 0; i < upper.length; i++)
      levels[at++] = (((firstWeight * upper[i]) >> 16) + ((secondWeight * lower[i]) >> 16) + 2) >> 2;
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
  for (let y = 0, at = 0; y < image.height; y++) {
    const from = image.levels.subarray(y * image.width * 3, (y + 1) * image.width * 3);
    for (const [[a, b, c, d], [p, q, r, s]] of columns)
      for (let k = 0; k < 3; k++)
        wide[at++] = p * from[3 * a + k] + q * from[3 * b + k] + r * from[3 * c + k] + s * from[3 * d + k];
  }
  const levels = new Uint8ClampedArray(height * width * 3);
  const line = (y: number) => wide.subarray(y * width * 3, (y + 1) * width * 3);
  let at = 0;
  for (const [places, [p, q, r, s]] of rows) {
    const [a, b, c, d] = [line(places[0]), line(places[1]), line(places[2]), line(places[3])];
    for (let i = 0; i < a.length; i++) levels[at++] = p * a[i] + q * b[i] + r * c[i] + s * d[i];
  }
  return { height, width, levels: new Uint8Array(levels.buffer) };
}

type Four = readonly [number, number, number, number];

/** For each place the four pixels that it is made of, and their weights. */
function cubicTaps(size: number, scaled: number): (readonly [at: Four, weights: Four])[] {
  return Array.from({ length: scaled }, (_, i) => {
    const position = ((i + 0.5) * size) / scaled - 0.5;
    const floor = Math.floor(position);
    const taps = [-1, 0, 1, 2];
    return [
      taps.map((k) => Math.min(Math.max(floor + k, 0), size - 1)),
      taps.map((k) => cubic(Math.abs(position - floor - k))),
    ] as unknown as readonly [Four, Four];
  });
}

const CUBIC = -0.75;
const cubic = (x: number) =>
  x <= 1 ? ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * CUBIC : 0;
