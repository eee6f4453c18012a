// AssemblyScript of filters/gaussian-filter.ts: float64, the operations in the same order, so the same numbers bit for bit.
import { fourOfPairs, storeIntegers, unitOf } from '../images/levels';

/** to = taps_0 centre + sum over j, from the radius down, of (below_j + above_j) taps_j, for n elements, 8 at a time. */
// @ts-ignore: decorator
@inline
function weighted(centre: usize, pairs: usize, to: usize, n: u32, taps: usize, radius: u32): void {
  const end = pairs + (<usize>radius << 3);
  for (let k: usize = 0; k < <usize>n << 3; k += 64) {
    const at = centre + k;
    const tap0 = v128.load64_splat(taps);
    let a = f64x2.mul(tap0, v128.load(at));
    let b = f64x2.mul(tap0, v128.load(at, 16));
    let c = f64x2.mul(tap0, v128.load(at, 32));
    let d = f64x2.mul(tap0, v128.load(at, 48));
    let tap = taps + (<usize>radius << 3);
    for (let pair = pairs; pair < end; pair += 8) {
      const w = v128.load64_splat(tap);
      const below = load<u32>(pair) + k;
      const above = load<u32>(pair, 4) + k;
      a = f64x2.add(a, f64x2.mul(f64x2.add(v128.load(below), v128.load(above)), w));
      b = f64x2.add(b, f64x2.mul(f64x2.add(v128.load(below, 16), v128.load(above, 16)), w));
      c = f64x2.add(c, f64x2.mul(f64x2.add(v128.load(below, 32), v128.load(above, 32)), w));
      d = f64x2.add(d, f64x2.mul(f64x2.add(v128.load(below, 48), v128.load(above, 48)), w));
      tap -= 8;
    }
    v128.store(to + k, a);
    v128.store(to + k, b, 16);
    v128.store(to + k, c, 32);
    v128.store(to + k, d, 48);
  }
}

/** The type of the numbers that are smoothed: levels, f32 or f64. */
const LEVELS: u32 = 0;
const FLOATS: u32 = 1;

/** n numbers as f64, levels in 0..1. */
export function loadDoubles(from: usize, to: usize, n: u32, kind: u32): void {
  const end = to + (<usize>n << 3);
  if (kind == LEVELS)
    for (; to < end; to += 8) {
      store<f64>(to, load<f64>(unitOf(from)));
      from++;
    }
  else if (kind == FLOATS)
    for (; to < end; to += 16) {
      v128.store(to, f64x2.promote_low_f32x4(v128.load64_zero(from)));
      from += 8;
    }
  else memory.copy(to, from, n << 3);
}

/** n f64 times scale as what `kind` says, levels clipped and truncated; up to three more. */
export function storeDoubles(from: usize, to: usize, n: u32, kind: u32, scale: f64): void {
  const factor = f64x2.splat(scale);
  const end = from + (<usize>n << 3);
  for (; from < end; from += 32) {
    const low = f64x2.mul(v128.load(from), factor);
    const high = f64x2.mul(v128.load(from, 16), factor);
    if (kind == LEVELS) {
      storeIntegers(to, fourOfPairs(low, high));
      to += 4;
    } else if (kind == FLOATS) {
      v128.store(to, v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2));
      to += 16;
    } else {
      v128.store(to, low);
      v128.store(to, high, 16);
      to += 32;
    }
  }
}

/**
 * Smooths height × width × channels numbers along columns and then rows, and multiplies them by scale: `kind` 0 levels,
 * in 0..1, to levels; 1 f32 to f32; 2 f64 to f64. `rows` and `columns` tell the source of each of
 * height + 2 radiusY and width + 2 radiusX places. `ring` has room for 2 radiusY + 1 rows, `row` for a row of
 * width + 2 radiusX pixels, `line` for a row, each f64 and rounded up to 8; `pairs` for 2 max(radii) u32.
 */
export function smoothed(
  from: usize,
  out: usize,
  height: u32,
  width: u32,
  channels: u32,
  tapsY: usize,
  radiusY: u32,
  tapsX: usize,
  radiusX: u32,
  rows: usize,
  columns: usize,
  kind: u32,
  scale: f64,
  ring: usize,
  row: usize,
  line: usize,
  pairs: usize,
): void {
  const rowSize = width * channels;
  const rowBytes = <usize>((rowSize + 7) & ~7) << 3;
  const pixelBytes = <usize>channels << 3;
  const sourceBytes = rowSize << (kind == LEVELS ? 0 : kind == FLOATS ? 2 : 3);
  const inside = row + <usize>radiusX * pixelBytes;
  const slots = 2 * radiusY + 1;
  let known: u32 = 0;
  for (let y: u32 = 0; y < height; y++) {
    for (; known < height && known <= y + radiusY; known++)
      loadDoubles(from + known * sourceBytes, ring + (known % slots) * rowBytes, rowSize, kind);
    for (let j: u32 = 0; j < radiusY; j++) {
      const pair = pairs + (<usize>j << 3);
      const source = rows + (<usize>y << 2);
      store<u32>(pair, ring + (load<u32>(source + (<usize>j << 2)) % slots) * rowBytes);
      store<u32>(pair, ring + (load<u32>(source + (<usize>(2 * radiusY - j) << 2)) % slots) * rowBytes, 4);
    }
    const vertical = radiusX == 0 ? line : inside;
    weighted(ring + (y % slots) * rowBytes, pairs, vertical, rowSize, tapsY, radiusY);
    if (radiusX > 0) {
      const beyond = inside + rowSize * 8;
      for (let i: u32 = 0; i < radiusX; i++) {
        const right = columns + (<usize>(radiusX + width + i) << 2);
        memory.copy(row + i * pixelBytes, inside + load<u32>(columns + (<usize>i << 2)) * pixelBytes, pixelBytes);
        memory.copy(beyond + i * pixelBytes, inside + load<u32>(right) * pixelBytes, pixelBytes);
        const pair = pairs + (<usize>i << 3);
        store<u32>(pair, inside - (radiusX - i) * pixelBytes);
        store<u32>(pair, inside + (radiusX - i) * pixelBytes, 4);
      }
      weighted(inside, pairs, line, rowSize, tapsX, radiusX);
    }
    storeDoubles(line, out, rowSize, kind, scale);
    out += sourceBytes;
  }
}
