// AssemblyScript. ../digital/jpeg/color.ts, the same integers.

/** RGB to three planes of Y, Cb and Cr. */
export function toYCbCr(levels: usize, pixels: u32, y: usize, cb: usize, cr: usize): void {
  for (let i: u32 = 0; i < pixels; i++) {
    const r = <i32>load<u8>(levels);
    const g = <i32>load<u8>(levels, 1);
    const b = <i32>load<u8>(levels, 2);
    store<u8>(y + i, <u8>((19595 * r + 38470 * g + 7471 * b + 32768) >> 16));
    store<u8>(cb + i, <u8>((-11059 * r - 21709 * g + 32768 * b + (128 << 16) + 32767) >> 16));
    store<u8>(cr + i, <u8>((32768 * r - 27439 * g - 5329 * b + (128 << 16) + 32767) >> 16));
    levels += 3;
  }
}

/** Means of 2 by 2 samples; `halfWidth` may reach past the plane. */
export function halved(plane: usize, out: usize, height: i32, width: i32, halfWidth: i32): void {
  for (let y = 0; y < height; y += 2) {
    const upper = plane + y * width;
    const lower = plane + min(y + 1, height - 1) * width;
    for (let x = 0; x < halfWidth; x++) {
      const left = min(2 * x, width - 1);
      const right = min(2 * x + 1, width - 1);
      const sum =
        <i32>load<u8>(upper + left) + <i32>load<u8>(upper + right) + <i32>load<u8>(lower + left) + <i32>load<u8>(lower + right);
      store<u8>(out, <u8>((sum + 1 + (x & 1)) >> 2));
      out++;
    }
  }
}

/** Row y of a halved plane at full width, "fancy" or, below three columns, repeated; less 128, as i32. */
function doubledRow(plane: usize, stride: i32, y: i32, height: i32, width: i32, sums: usize, out: usize): void {
  const lastRow = ((height + 1) >> 1) - 1;
  const last = ((width + 1) >> 1) - 1;
  const near = plane + (y >> 1) * stride;
  if (last < 2) {
    for (let x = 0; x < width; x++) store<i32>(out + (<usize>x << 2), <i32>load<u8>(near + (x >> 1)) - 128);
    return;
  }
  const far = plane + min(max((y >> 1) + ((y & 1) == 1 ? 1 : -1), 0), lastRow) * stride;
  for (let x = 0; x <= last; x++)
    store<i32>(sums + (<usize>x << 2), 3 * <i32>load<u8>(near + x) + <i32>load<u8>(far + x));
  let previous = load<i32>(sums);
  for (let x = 0; x <= last; x++) {
    const own = load<i32>(sums + (<usize>x << 2));
    const next = load<i32>(sums + (<usize>min(x + 1, last) << 2));
    store<i32>(out, ((3 * own + previous + 8) >> 4) - 128);
    // One past the end of an odd row; the buffer has room.
    store<i32>(out, ((3 * own + next + 7) >> 4) - 128, 4);
    out += 8;
    previous = own;
  }
}

// @ts-ignore: decorator
@inline
function level(x: i32): u8 {
  return <u8>max(0, min(255, x));
}

/** RGB of a plane of Y and two halved planes; `scratch` has room for 4 (width + 2) i32. */
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
  const rowBytes = <usize>(width + 2) << 2;
  const blues = scratch + rowBytes;
  const reds = blues + rowBytes;
  for (let row = 0; row < height; row++) {
    doubledRow(cb, stride, row, height, width, scratch, blues);
    doubledRow(cr, stride, row, height, width, scratch, reds);
    for (let x = 0; x < width; x++) {
      const luma = <i32>load<u8>(y);
      const blue = load<i32>(blues + (<usize>x << 2));
      const red = load<i32>(reds + (<usize>x << 2));
      store<u8>(out, level(luma + ((91881 * red + 32768) >> 16)));
      store<u8>(out, level(luma + ((-22554 * blue - 46802 * red + 32768) >> 16)), 1);
      store<u8>(out, level(luma + ((116130 * blue + 32768) >> 16)), 2);
      out += 3;
      y++;
    }
  }
}
