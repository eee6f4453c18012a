// AssemblyScript. ../digital/jpeg/color.ts, the same integers.
import { loadIntegers } from './convert';
import { dot } from './jpeg';

// Vectors from memory: V8 makes a constant one anew in every turn of a loop, in several steps.

/** Which bytes of four pixels are their red and green, blue and green, red, and blue, as 16- or 32-bit numbers. */
const redGreen = memory.data<i8>([0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1]);
const blueGreen = memory.data<i8>([2, -1, 1, -1, 5, -1, 4, -1, 8, -1, 7, -1, 11, -1, 10, -1]);
const reds = memory.data<i8>([0, -1, -1, -1, 3, -1, -1, -1, 6, -1, -1, -1, 9, -1, -1, -1]);
const blues = memory.data<i8>([2, -1, -1, -1, 5, -1, -1, -1, 8, -1, -1, -1, 11, -1, -1, -1]);

/** What pairs of 16-bit numbers are multiplied by. 38470 is 22086 + 16384, which 16 bits hold, and 32768 a shift. */
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
 * Row y of a halved plane at full width, "fancy" or, below three columns, repeated; less 128, as i32. `sums` has room for
 * the halved row and four elements on both sides; `out` is written in eights.
 */
function doubledRow(plane: usize, stride: i32, y: i32, height: i32, width: i32, sums: usize, out: usize): void {
  const lastRow = ((height + 1) >> 1) - 1;
  const last = ((width + 1) >> 1) - 1;
  const near = plane + (y >> 1) * stride;
  if (last < 2) {
    for (let x = 0; x < width; x++) store<i32>(out + (<usize>x << 2), <i32>load<u8>(near + (x >> 1)) - 128);
    return;
  }
  const far = plane + min(max((y >> 1) + ((y & 1) == 1 ? 1 : -1), 0), lastRow) * stride;
  const inside = sums + 16;
  for (let x = 0; x <= last; x += 4) {
    const twice = loadIntegers(near + x);
    const sum = i32x4.add(i32x4.add(i32x4.shl(twice, 1), twice), loadIntegers(far + x));
    v128.store(inside + (<usize>x << 2), sum);
  }
  store<i32>(inside - 4, load<i32>(inside));
  const end = inside + (<usize>last << 2);
  store<i32>(end + 4, load<i32>(end));
  const centre = i32x4.splat(128);
  for (let at = inside; at <= end; at += 16) {
    const own = v128.load(at);
    const triple = i32x4.add(i32x4.shl(own, 1), own);
    const even = i32x4.shr_s(i32x4.add(i32x4.add(triple, v128.load(at - 4)), i32x4.splat(8)), 4);
    const odd = i32x4.shr_s(i32x4.add(i32x4.add(triple, v128.load(at + 4)), i32x4.splat(7)), 4);
    v128.store(out, i32x4.sub(v128.shuffle<i32>(even, odd, 0, 4, 1, 5), centre));
    v128.store(out, i32x4.sub(v128.shuffle<i32>(even, odd, 2, 6, 3, 7), centre), 16);
    out += 32;
  }
}

/** Factors of Cb and Cr in red, green and blue, in 16-bit fixed point, and a half. */
const redOfRed = memory.data<i32>([91881]);
const greenOfBlue = memory.data<i32>([-22554]);
const greenOfRed = memory.data<i32>([-46802]);
const blueOfBlue = memory.data<i32>([116130]);
const half = memory.data<i32>([32768]);

// @ts-ignore: decorator
@inline
function times(v: v128, factor: usize): v128 {
  return i32x4.mul(v, v128.load32_splat(factor));
}

/** luma + v / 2^16, rounded. */
// @ts-ignore: decorator
@inline
function shifted(luma: v128, v: v128): v128 {
  return i32x4.add(luma, i32x4.shr_s(i32x4.add(v, v128.load32_splat(half)), 16));
}

/**
 * RGB of a plane of Y and two halved planes; writes up to 13 bytes past the end. `scratch` has room for 3 (width + 16) i32.
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
  const rowBytes = <usize>(width + 16) << 2;
  const blues = scratch + rowBytes;
  const reds = blues + rowBytes;
  for (let row = 0; row < height; row++) {
    doubledRow(cb, stride, row, height, width, scratch, blues);
    doubledRow(cr, stride, row, height, width, scratch, reds);
    for (let x = 0; x < width; x += 4) {
      const luma = loadIntegers(y + x);
      const blue = v128.load(blues + (<usize>x << 2));
      const red = v128.load(reds + (<usize>x << 2));
      const r = shifted(luma, times(red, redOfRed));
      const g = shifted(luma, i32x4.add(times(blue, greenOfBlue), times(red, greenOfRed)));
      const b = shifted(luma, times(blue, blueOfBlue));
      const planes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(r, g), i16x8.narrow_i32x4_s(b, b));
      // Four pixels; what is too much is overwritten by the next four, or the next row.
      v128.store(out + x * 3, i8x16.swizzle(planes, i8x16(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, -1, -1, -1, -1)));
    }
    y += width;
    out += width * 3;
  }
}
