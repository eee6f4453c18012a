// AssemblyScript of digital/pixelate.ts: the averages, the same integers.
import { loadIntegers, storeIntegers, storeSixteen } from '../images/levels';

/** The factor, in 22-bit fixed point, that turns the sum of n levels into their mean. */
// @ts-ignore: decorator
@inline
function weightOf(n: u32): v128 {
  return i32x4.splat((<u32>(1 << 23) + n) / (2 * n));
}

// @ts-ignore: decorator
@inline
function mean(sum: v128, weight: v128): v128 {
  return i32x4.shr_s(i32x4.add(i32x4.mul(sum, weight), i32x4.splat(1 << 21)), 22);
}

/**
 * Averages along the rows of height × length pixels, first and count (u32) telling the span of each of `to` places. Writes
 * up to three bytes past the end.
 */
export function averagedRows(
  levels: usize,
  out: usize,
  height: u32,
  length: u32,
  channels: u32,
  first: usize,
  count: usize,
  to: u32,
): void {
  for (let y: u32 = 0; y < height; y++) {
    for (let i: u32 = 0; i < to; i++) {
      const n = load<u32>(count + (<usize>i << 2));
      let at = levels + load<u32>(first + (<usize>i << 2)) * channels;
      let sum = loadIntegers(at);
      for (let j: u32 = 1; j < n; j++) {
        at += channels;
        sum = i32x4.add(sum, loadIntegers(at));
      }
      // Four bytes at once: what is too much is overwritten by the next pixel.
      storeIntegers(out, mean(sum, weightOf(n)));
      out += channels;
    }
    levels += length * channels;
  }
}

/** As `averagedRows`, along the columns of rows of n levels. Writes up to fifteen bytes past the end. */
export function averagedColumns(levels: usize, out: usize, n: u32, first: usize, count: usize, to: u32): void {
  for (let i: u32 = 0; i < to; i++) {
    const rows = load<u32>(count + (<usize>i << 2));
    const weight = weightOf(rows);
    const from = levels + load<u32>(first + (<usize>i << 2)) * n;
    for (let k: u32 = 0; k < n; k += 16) {
      let at = from + k;
      let a = loadIntegers(at);
      let b = loadIntegers(at + 4);
      let c = loadIntegers(at + 8);
      let d = loadIntegers(at + 12);
      for (let j: u32 = 1; j < rows; j++) {
        at += n;
        a = i32x4.add(a, loadIntegers(at));
        b = i32x4.add(b, loadIntegers(at + 4));
        c = i32x4.add(c, loadIntegers(at + 8));
        d = i32x4.add(d, loadIntegers(at + 12));
      }
      storeSixteen(out + k, mean(a, weight), mean(b, weight), mean(c, weight), mean(d, weight));
    }
    out += n;
  }
}

/** Repeats the pixels of an image of `stride` a row: rows and columns (u32) tell which. */
export function enlarged(
  small: usize,
  out: usize,
  rows: usize,
  height: u32,
  columns: usize,
  width: u32,
  stride: u32,
  channels: u32,
): void {
  const rowBytes = width * channels;
  let above: u32 = u32.MAX_VALUE;
  for (let y: u32 = 0; y < height; y++) {
    const source = load<u32>(rows + (<usize>y << 2));
    if (source == above) memory.copy(out, out - rowBytes, rowBytes);
    else {
      const row = small + source * stride * channels;
      let to = out;
      for (let x: u32 = 0; x < width; x++) {
        // Four bytes at once: what is too much is overwritten by the next pixel.
        store<u32>(to, load<u32>(row + load<u32>(columns + (<usize>x << 2)) * channels));
        to += channels;
      }
    }
    above = source;
    out += rowBytes;
  }
}
