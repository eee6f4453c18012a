// AssemblyScript of digital/jpeg/color.ts: the same integers.
import { dot, lower, upper } from './blocks';

// Vectors from memory: V8 makes a constant one anew in every turn of a loop, in several steps.

/** Which bytes of four pixels are their red and green, blue and green, red, and blue, as 16- or 32-bit numbers. */
const redGreen = memory.data<i8>([0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1]);
const blueGreen = memory.data<i8>([2, -1, 1, -1, 5, -1, 4, -1, 8, -1, 7, -1, 11, -1, 10, -1]);
const reds = memory.data<i8>([0, -1, -1, -1, 3, -1, -1, -1, 6, -1, -1, -1, 9, -1, -1, -1]);
const blues = memory.data<i8>([2, -1, -1, -1, 5, -1, -1, -1, 8, -1, -1, -1, 11, -1, -1, -1]);

/** The factors of pairs of 16-bit numbers. 38470 is 22086 + 16384, which 16 bits hold, and 32768 a shift. */
const lumaOfRedGreen = memory.data<i16>([19595, 22086]);
const lumaOfBlueGreen = memory.data<i16>([7471, 16384]);
const blueOfRedGreen = memory.data<i16>([-11059, -21709]);
const redOfBlueGreen = memory.data<i16>([-5329, -27439]);

/** RGB to three planes of Y, Cb and Cr, four pixels at a time; up to three more are read and written. */
export function toYCbCr(levels: usize, pixels: u32, y: usize, cb: usize, cr: usize): void {
  const centre = i32x4.splat((128 << 16) + 32767);
  for (let i: u32 = 0; i < pixels; i += 4) {
    const rgb = v128.load(levels);
    const rg = i8x16.swizzle(rgb, v128.load(redGreen));
    const bg = i8x16.swizzle(rgb, v128.load(blueGreen));
    const r = i32x4.shl(i8x16.swizzle(rgb, v128.load(reds)), 15);
    const b = i32x4.shl(i8x16.swizzle(rgb, v128.load(blues)), 15);
    const luma = i32x4.add(dot(rg, lumaOfRedGreen), dot(bg, lumaOfBlueGreen));
    const lumaAndBlue = i16x8.narrow_i32x4_s(
      i32x4.shr_s(i32x4.add(luma, v128.load32_splat(half)), 16),
      i32x4.shr_s(i32x4.add(i32x4.add(dot(rg, blueOfRedGreen), b), centre), 16),
    );
    const red = i32x4.shr_s(i32x4.add(i32x4.add(dot(bg, redOfBlueGreen), r), centre), 16);
    const planes = i8x16.narrow_i16x8_u(lumaAndBlue, i16x8.narrow_i32x4_s(red, red));
    v128.store32_lane(y + i, planes, 0);
    v128.store32_lane(cb + i, planes, 1);
    v128.store32_lane(cr + i, planes, 2);
    levels += 12;
  }
}

/** Means of 2 by 2 samples; `halfWidth` may reach past the plane. */
export function halved(plane: usize, out: usize, height: i32, width: i32, halfWidth: i32): void {
  const bias = i16x8(1, 2, 1, 2, 1, 2, 1, 2);
  const whole = width >> 4 << 3;
  for (let y = 0; y < height; y += 2) {
    const upper = plane + y * width;
    const lower = plane + min(y + 1, height - 1) * width;
    for (let x = 0; x < whole; x += 8) {
      const above = i16x8.extadd_pairwise_i8x16_u(v128.load(upper + 2 * x));
      const below = i16x8.extadd_pairwise_i8x16_u(v128.load(lower + 2 * x));
      const mean = i16x8.shr_u(i16x8.add(i16x8.add(above, below), bias), 2);
      v128.store64_lane(out + x, i8x16.narrow_i16x8_u(mean, mean), 0);
    }
    for (let x = whole; x < halfWidth; x++) {
      const left = min(2 * x, width - 1);
      const right = min(2 * x + 1, width - 1);
      const sum =
        <i32>load<u8>(upper + left) + <i32>load<u8>(upper + right) + <i32>load<u8>(lower + left) + <i32>load<u8>(lower + right);
      store<u8>(out + x, <u8>((sum + 1 + (x & 1)) >> 2));
    }
    out += halfWidth;
  }
}

/**
 * Row y of a halved plane at full width, "fancy" or, below three columns, repeated; less 128, as i16. `sums` has room for
 * the halved row and eight elements on both sides; `out` is written in sixteens.
 */
function doubledRow(plane: usize, stride: i32, y: i32, height: i32, width: i32, sums: usize, out: usize): void {
  const lastRow = ((height + 1) >> 1) - 1;
  const last = ((width + 1) >> 1) - 1;
  const near = plane + (y >> 1) * stride;
  if (last < 2) {
    for (let x = 0; x < width; x++) store<i16>(out + (<usize>x << 1), <i16>load<u8>(near + (x >> 1)) - 128);
    return;
  }
  const far = plane + min(max((y >> 1) + ((y & 1) == 1 ? 1 : -1), 0), lastRow) * stride;
  const inside = sums + 16;
  for (let x = 0; x <= last; x += 8) {
    const own = v128.load8x8_u(near + x);
    const triple = i16x8.add(i16x8.shl(own, 1), own);
    v128.store(inside + (<usize>x << 1), i16x8.add(triple, v128.load8x8_u(far + x)));
  }
  store<i16>(inside - 2, load<i16>(inside));
  const end = inside + (<usize>last << 1);
  store<i16>(end + 2, load<i16>(end));
  const centre = i16x8.splat(128);
  const eight = i16x8.splat(8);
  const seven = i16x8.splat(7);
  for (let at = inside; at <= end; at += 16) {
    const own = v128.load(at);
    const triple = i16x8.add(i16x8.shl(own, 1), own);
    const even = i16x8.sub(i16x8.shr_s(i16x8.add(i16x8.add(triple, v128.load(at - 2)), eight), 4), centre);
    const odd = i16x8.sub(i16x8.shr_s(i16x8.add(i16x8.add(triple, v128.load(at + 2)), seven), 4), centre);
    v128.store(out, lower(even, odd));
    v128.store(out, upper(even, odd), 16);
    out += 32;
  }
}

/**
 * What pairs (Cb, Cr) are multiplied by, in 16-bit fixed point, beside whole multiples that 16 bits don't hold:
 * 91881 = 65536 + 26345 of Cr in red, -46802 = -65536 + 18734 of Cr in green, 116130 = 131072 - 14942 of Cb in blue.
 */
const redOfPairs = memory.data<i16>([0, 26345]);
const greenOfPairs = memory.data<i16>([-22554, 18734]);
const blueOfPairs = memory.data<i16>([-14942, 0]);
const half = memory.data<i32>([32768]);

/** Eight sums of products of pairs, divided by 2^16 and rounded, as i16. */
// @ts-ignore: decorator
@inline
function share(low: v128, high: v128, factors: usize): v128 {
  const rounding = v128.load32_splat(half);
  return i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.add(dot(low, factors), rounding), 16),
    i32x4.shr_s(i32x4.add(dot(high, factors), rounding), 16),
  );
}

/** The bytes of red, green and blue of eight pixels, eight of each, in turn: the first sixteen, and the last eight. */
const firstInTurn = memory.data<i8>([0, 8, -1, 1, 9, -1, 2, 10, -1, 3, 11, -1, 4, 12, -1, 5]);
const firstBlues = memory.data<i8>([-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1]);
const lastInTurn = memory.data<i8>([13, -1, 6, 14, -1, 7, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1]);
const lastBlues = memory.data<i8>([-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, -1, -1, -1, -1, -1, -1]);

/**
 * RGB of a plane of Y and two halved planes; writes up to 21 bytes past the end. `scratch` has room for 3 (width + 32) i16.
 */
export function toRgb(
  y: usize,
  cb: usize,
  cr: usize,
  stride: i32,
  out: usize,
  height: i32,
  width: i32,
  scratch: usize,
): void {
  const rowBytes = <usize>(width + 32) << 1;
  const blueRow = scratch + rowBytes;
  const redRow = blueRow + rowBytes;
  for (let row = 0; row < height; row++) {
    doubledRow(cb, stride, row, height, width, scratch, blueRow);
    doubledRow(cr, stride, row, height, width, scratch, redRow);
    for (let x = 0; x < width; x += 8) {
      const luma = v128.load8x8_u(y + x);
      const blue = v128.load(blueRow + (<usize>x << 1));
      const red = v128.load(redRow + (<usize>x << 1));
      const low = lower(blue, red);
      const high = upper(blue, red);
      const r = i16x8.add(i16x8.add(luma, red), share(low, high, redOfPairs));
      const g = i16x8.add(i16x8.sub(luma, red), share(low, high, greenOfPairs));
      const b = i16x8.add(i16x8.add(luma, i16x8.shl(blue, 1)), share(low, high, blueOfPairs));
      const redGreen = i8x16.narrow_i16x8_u(r, g);
      const blues = i8x16.narrow_i16x8_u(b, b);
      // What is too much is overwritten by the next eight pixels, or the next row.
      const to = out + x * 3;
      const first = v128.or(
        i8x16.swizzle(redGreen, v128.load(firstInTurn)),
        i8x16.swizzle(blues, v128.load(firstBlues)),
      );
      const rest = v128.or(i8x16.swizzle(redGreen, v128.load(lastInTurn)), i8x16.swizzle(blues, v128.load(lastBlues)));
      v128.store(to, first);
      v128.store64_lane(to, rest, 0, 16);
    }
    y += width;
    out += width * 3;
  }
}
