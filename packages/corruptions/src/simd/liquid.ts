// AssemblyScript. The drops of water of ../weather/spatter/mask.ts, the same numbers.

/** Lengths of a step along an axis, along a diagonal and of a knight's move, in 16-bit fixed point. */
const STRAIGHT = 65536;
const DIAGONAL = 91750;
const KNIGHT = 143976;

const FAR: i32 = 1 << 30;

/** tan 22.5° in 15-bit fixed point. */
const TANGENT_22: i64 = 13573;

/** Below and above which thresholds gradients are no edges, and are edges by themselves. */
const LOW = 50;
const HIGH = 150;

/** How far from the edge of a drop its shading goes, in pixels. */
const REACH: f64 = 20;

const box = memory.data<f64>([1, 1, 1, 1, 1, 1, 1, 1, 1]);
const emboss = memory.data<f64>([-2, -1, 0, -1, 1, 1, 0, 1, 2]);

const histogram = memory.data(1024);
const levelOf = memory.data(256);

/**
 * Edges of levels: 0 in `distance`, of (height + 4) × (width + 4), FAR elsewhere. `gx`, `gy`, `stack` and `magnitude` have
 * room for (height + 2) (width + 2) i32, `marks` for as many bytes.
 */
function edges(
  levels: usize,
  height: i32,
  width: i32,
  gx: usize,
  gy: usize,
  magnitude: usize,
  marks: usize,
  stack: usize,
  distance: usize,
): void {
  const stride = width + 2;
  memory.fill(magnitude, 0, (height + 2) * stride << 2);
  memory.fill(marks, 0, (height + 2) * stride);
  for (let y = 0; y < height; y++) {
    const row = levels + y * width;
    const above = levels + max(y - 1, 0) * width;
    const below = levels + min(y + 1, height - 1) * width;
    for (let x = 0; x < width; x++) {
      const left = max(x - 1, 0);
      const right = min(x + 1, width - 1);
      const falling = <i32>load<u8>(below + right) - <i32>load<u8>(above + left);
      const rising = <i32>load<u8>(above + right) - <i32>load<u8>(below + left);
      const dx = falling + rising + 2 * (<i32>load<u8>(row + right) - <i32>load<u8>(row + left));
      const dy = falling - rising + 2 * (<i32>load<u8>(below + x) - <i32>load<u8>(above + x));
      const at = <usize>((y + 1) * stride + x + 1) << 2;
      store<i32>(gx + at, dx);
      store<i32>(gy + at, dy);
      store<i32>(magnitude + at, abs(dx) + abs(dy));
    }
  }
  // Marks: 1 may be an edge, 2 is one.
  let open = stack;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = (y + 1) * stride + x + 1;
      const m = load<i32>(magnitude + (<usize>at << 2));
      if (m <= LOW) continue;
      const dx = load<i32>(gx + (<usize>at << 2));
      const dy = load<i32>(gy + (<usize>at << 2));
      const steep = <i64>abs(dy) << 15;
      const tangent22 = <i64>abs(dx) * TANGENT_22;
      const flat = steep < tangent22;
      const upright = steep > tangent22 + (<i64>abs(dx) << 16);
      const across = flat ? 1 : upright ? stride : dx < 0 != dy < 0 ? stride - 1 : stride + 1;
      const before = load<i32>(magnitude + (<usize>(at - across) << 2));
      const after = load<i32>(magnitude + (<usize>(at + across) << 2));
      if (m <= before || (flat || upright ? m < after : m <= after)) continue;
      store<u8>(marks + at, m > HIGH ? 2 : 1);
      if (m > HIGH) {
        store<i32>(open, at);
        open += 4;
      }
    }
  const far = i32x4.splat(FAR);
  const end = distance + ((height + 4) * (width + 4) << 2);
  for (let at = distance; at < end; at += 16) v128.store(at, far);
  while (open > stack) {
    open -= 4;
    const at = load<i32>(open);
    store<i32>(distance + ((at / stride + 1) * (width + 4) + (at % stride) + 1 << 2), 0);
    for (let row = at - stride; row <= at + stride; row += stride)
      for (let next = row - 1; next <= row + 1; next++)
        if (load<u8>(marks + next) == 1) {
          store<u8>(marks + next, 2);
          store<i32>(open, next);
          open += 4;
        }
  }
}

/** Lowers every distance to what its neighbours before it, seen in steps of `right` and `down` bytes, allow. */
function sweep(from: usize, height: i32, width: i32, right: isize, down: isize): void {
  for (let y = 0; y < height; y++) {
    let at = from;
    for (let x = 0; x < width; x++) {
      const above = at - down;
      const straight = min(load<i32>(above), load<i32>(at - right)) + STRAIGHT;
      const diagonal = min(load<i32>(above - right), load<i32>(above + right)) + DIAGONAL;
      const wide = min(load<i32>(above - 2 * right), load<i32>(above + 2 * right));
      const high = min(load<i32>(above - down - right), load<i32>(above - down + right));
      store<i32>(at, min(load<i32>(at), min(min(diagonal, straight), min(wide, high) + KNIGHT)));
      at += right;
    }
    from += down;
  }
}

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
