/**
 * How a map is cut into square windows: `height` and `width` of the map in tokens, multiples of `window`, the side of a
 * window; `shift` is how far the map is rolled up and to the left before it is cut (Swin, Liu et al. 2021, section 3.2,
 * figure 4). A direction that holds a single window is not rolled, as in torchvision.
 */
export interface WindowGeometry {
  readonly height: number;
  readonly width: number;
  readonly window: number;
  readonly shift: number;
}

/** One direction of a geometry: the shift in effect, and which region of the rolled map a place is in. */
function direction(size: number, { window, shift }: WindowGeometry) {
  const rolled = window < size ? shift : 0;
  // Before the last window, in it, and what was rolled in from the other side.
  const region = (place: number) => (place < size - window ? 0 : place < size - rolled ? 1 : 2);
  return { rolled, region };
}

/** Calls `visit` for every place (row, column) of the rolled map, window by window, each row by row. */
function forEachPlace({ height, width, window }: WindowGeometry, visit: (row: number, column: number) => void): void {
  for (let top = 0; top < height; top += window)
    for (let left = 0; left < width; left += window)
      for (let row = top; row < top + window; row++)
        for (let column = left; column < left + window; column++) visit(row, column);
}

/**
 * The order of the tokens of a map [height × width, row by row] after rolling and cutting: element i is the place of the
 * i-th token of windows × window².
 *
 * @throws RangeError if the sizes are no multiples of the window, or the shift is not smaller than it
 */
export function windowOrder(geometry: WindowGeometry): Int32Array<ArrayBuffer> {
  const { height, width, window, shift } = geometry;
  if (![height, width, window].every((size) => Number.isInteger(size) && size > 0))
    throw new RangeError(
      `WindowTokens: height, width and window must be positive integers, got ${height}, ${width}, ${window}`,
    );
  if (height % window !== 0 || width % window !== 0)
    throw new RangeError(
      `WindowTokens: height and width must be multiples of the window, got a map of ${height}×${width} and windows of ${window}×${window}`,
    );
  if (!Number.isInteger(shift) || shift < 0 || shift >= window)
    throw new RangeError(`WindowTokens: shift must be an integer from 0 to ${window - 1}, got ${shift}`);
  const down = direction(height, geometry).rolled;
  const right = direction(width, geometry).rolled;
  const order = new Int32Array(height * width);
  let at = 0;
  forEachPlace(geometry, (row, column) => {
    order[at++] = ((row + down) % height) * width + ((column + right) % width);
  });
  return order;
}

/** The number added to the logits of tokens that came from different sides of the rolled map. */
const SEPARATED = -100;

/**
 * The mask of shifted windows, [windows, n, n] with n = window²: -100 where two tokens of a window are of different
 * regions of the rolled map and were no neighbours before, else 0. Null where nothing is rolled.
 */
export function windowMask(geometry: WindowGeometry): Float32Array<ArrayBuffer> | null {
  const { height, width, window } = geometry;
  const rows = direction(height, geometry);
  const columns = direction(width, geometry);
  if (rows.rolled === 0 && columns.rolled === 0) return null;
  const regions = new Uint8Array(height * width);
  let at = 0;
  forEachPlace(geometry, (row, column) => {
    regions[at++] = 3 * rows.region(row) + columns.region(column);
  });
  const n = window ** 2;
  const mask = new Float32Array(height * width * n);
  for (let token = 0; token < regions.length; token++) {
    const first = token - (token % n);
    for (let j = 0; j < n; j++) if (regions[first + j] !== regions[token]) mask[token * n + j] = SEPARATED;
  }
  return mask;
}

/**
 * Which row of the table of relative position biases, [(2 window - 1)², heads], belongs to query i and key j of a window:
 * element i n + j, with n = window², is (y_i - y_j + window - 1)(2 window - 1) + x_i - x_j + window - 1.
 */
export function relativePositionIndex(window: number): Int32Array<ArrayBuffer> {
  const n = window ** 2;
  const index = new Int32Array(n * n);
  const shifted = (difference: number) => difference + window - 1;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const down = shifted(Math.floor(i / window) - Math.floor(j / window));
      index[i * n + j] = down * (2 * window - 1) + shifted((i % window) - (j % window));
    }
  return index;
}
