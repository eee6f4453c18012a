// AssemblyScript of weather/spatter/mask.ts: the same numbers.
import { sweep } from './distance';
import { edges } from './edges';

/** How far from the edge of a drop its shading goes, in pixels. */
const REACH: f64 = 20;

const box = memory.data<f64>([1, 1, 1, 1, 1, 1, 1, 1, 1]);
const emboss = memory.data<f64>([-2, -1, 0, -1, 1, 1, 0, 1, 2]);

const histogram = memory.data(1024);
const levelOf = memory.data(256);

/** Continues a plane of height × width f64 by one on every side, mirrored without repeating the edge; rows of width + 2. */
function mirror(plane: usize, height: i32, width: i32): void {
  const stride = (width + 2) << 3;
  for (let y = 1; y <= height; y++) {
    const row = plane + y * stride;
    store<f64>(row, load<f64>(row + (width > 1 ? 16 : 8)));
    store<f64>(row + stride - 8, load<f64>(row + stride - (width > 1 ? 24 : 16)));
  }
  memory.copy(plane, plane + (height > 1 ? 2 : 1) * stride, stride);
  memory.copy(plane + (height + 1) * stride, plane + (height > 1 ? height - 1 : height) * stride, stride);
}

/** Correlation of a plane with a kernel of 3 × 3; `out` has rows of width + 2 as well. */
function filtered(plane: usize, out: usize, height: i32, width: i32, kernel: usize): void {
  const stride = (width + 2) << 3;
  mirror(plane, height, width);
  for (let y = 0; y < height; y++) {
    const end = plane + (width << 3);
    for (let from = plane; from < end; from += 16) {
      let sum = f64x2.splat(0);
      let row = from;
      for (let k = kernel; k < kernel + 72; k += 24) {
        sum = f64x2.add(sum, f64x2.mul(v128.load64_splat(k), v128.load(row)));
        sum = f64x2.add(sum, f64x2.mul(v128.load64_splat(k, 8), v128.load(row, 8)));
        sum = f64x2.add(sum, f64x2.mul(v128.load64_splat(k, 16), v128.load(row, 16)));
        row += stride;
      }
      v128.store(out + stride + (from - plane) + 8, sum);
    }
    plane += stride;
    out += stride;
  }
}

/** Histogram equalization of the levels in a plane; a constant plane stays so. */
function equalize(plane: usize, height: i32, width: i32): void {
  memory.fill(histogram, 0, 1024);
  const stride = (width + 2) << 3;
  for (let y = 1; y <= height; y++)
    for (let x = 1; x <= width; x++) {
      const count = histogram + (<usize>load<f64>(plane + y * stride + (x << 3)) << 2);
      store<u32>(count, load<u32>(count) + 1);
    }
  let first = 0;
  while (load<u32>(histogram + (first << 2)) == 0) first++;
  const rest = <u32>(height * width) - load<u32>(histogram + (first << 2));
  if (rest == 0) return;
  const scale = <f32>(255 / <f64>rest);
  let sum: u32 = 0;
  memory.fill(levelOf, 0, 256);
  for (let level = first + 1; level < 256; level++) {
    sum += load<u32>(histogram + (level << 2));
    store<u8>(levelOf + level, <u8>floor(<f64>(<f32>(<f64>sum * <f64>scale)) + 0.5));
  }
  for (let y = 1; y <= height; y++)
    for (let x = 1; x <= width; x++) {
      const at = plane + y * stride + (x << 3);
      store<f64>(at, <f64>load<u8>(levelOf + <usize>load<f64>(at)));
    }
}

/**
 * How much of each pixel water covers, height × width f32 in 0..strength, from the liquid, as many f64. `scratch` has room
 * for 22 bytes for each of (height + 4) (width + 4) pixels, rounded up to 16.
 */
export function waterMask(liquid: usize, mask: usize, height: i32, width: i32, strength: f64, scratch: usize): void {
  const room = <usize>(((height + 4) * (width + 4) + 15) & ~15);
  const levels = scratch;
  const marks = levels + room;
  const distance = marks + room;
  const gx = distance + (room << 2);
  const gy = gx + (room << 2);
  const magnitude = gy + (room << 2);
  const stack = magnitude + (room << 2);
  // The planes come after the edges, in the same place.
  const plane = gx;
  const sums = plane + (room << 3);
  const n = height * width;
  for (let i = 0; i < n; i++) store<u8>(levels + i, <u8><i32>(load<f64>(liquid + (<usize>i << 3)) * 255));
  edges(levels, height, width, gx, gy, magnitude, marks, stack, distance);
  const rowBytes = (width + 4) << 2;
  sweep(distance + 2 * rowBytes + 8, height, width, 4, rowBytes);
  sweep(distance + (height + 1) * rowBytes + ((width + 1) << 2), height, width, -4, -rowBytes);

  const stride = (width + 2) << 3;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const d = <f64>load<i32>(distance + (y + 2) * rowBytes + ((x + 2) << 2)) * 0.0000152587890625;
      store<f64>(plane + (y + 1) * stride + ((x + 1) << 3), min(d, REACH));
    }
  filtered(plane, sums, height, width, box);
  for (let y = 1; y <= height; y++)
    for (let at = sums + y * stride + 8; at < sums + y * stride + stride - 8; at += 8)
      store<f64>(at, floor(load<f64>(at) / 9));
  equalize(sums, height, width);
  filtered(sums, plane, height, width, emboss);
  for (let y = 1; y <= height; y++)
    for (let at = plane + y * stride + 8; at < plane + y * stride + stride - 8; at += 8)
      store<f64>(at, max<f64>(0, min<f64>(255, load<f64>(at))));
  filtered(plane, sums, height, width, box);
  let most: f32 = 0;
  let to = mask;
  for (let y = 1; y <= height; y++)
    for (let x = 1; x <= width; x++) {
      const shade = floor(load<f64>(sums + y * stride + (x << 3)) / 9 + 0.5);
      const m = <f32>(shade * <f64>load<u8>(levels + (to - mask >> 2)));
      store<f32>(to, m);
      most = max(most, m);
      to += 4;
    }
  if (most > 0) for (let at = mask; at < to; at += 4) store<f32>(at, (load<f32>(at) / most) * <f32>strength);
}

/** 1 where one of n f64 lies above the threshold and 0 elsewhere, as f32. */
export function exceeding(values: usize, out: usize, n: u32, threshold: f64): void {
  const end = values + (<usize>n << 3);
  for (; values < end; values += 8) {
    store<f32>(out, load<f64>(values) > threshold ? 1 : 0);
    out += 4;
  }
}

/** Of n f64, 0 for those below the threshold. */
export function cutOff(values: usize, n: u32, threshold: f64): void {
  const end = values + (<usize>n << 3);
  for (; values < end; values += 8) if (load<f64>(values) < threshold) store<f64>(values, 0);
}

/** As `cutOff`, of n f32. */
export function cutOffFloats(values: usize, n: u32, threshold: f32): void {
  const end = values + (<usize>n << 2);
  for (; values < end; values += 4) if (load<f32>(values) < threshold) store<f32>(values, 0);
}
