// AssemblyScript. Float64, with the operations in the order of ../blur/gaussian-filter.ts: the same numbers, bit for bit.

/** to = taps_0 row(0) + sum over j, from the radius down, of (row(-j) + row(j)) taps_j, for n elements, 4 at a time. */
// @ts-ignore: decorator
@inline
function weighted(centre: usize, step: isize, to: usize, n: u32, taps: usize, radius: u32): void {
  for (let k: usize = 0; k < n; k += 4) {
    const at = centre + (k << 3);
    const tap0 = v128.load64_splat(taps);
    let a = f64x2.mul(tap0, v128.load(at));
    let b = f64x2.mul(tap0, v128.load(at, 16));
    let distance = <isize>radius * step;
    for (let tap = taps + (<usize>radius << 3); tap > taps; tap -= 8) {
      const w = v128.load64_splat(tap);
      const below = at - <usize>distance;
      const above = at + <usize>distance;
      a = f64x2.add(a, f64x2.mul(f64x2.add(v128.load(below), v128.load(above)), w));
      b = f64x2.add(b, f64x2.mul(f64x2.add(v128.load(below, 16), v128.load(above, 16)), w));
      distance -= step;
    }
    v128.store(to + (k << 3), a);
    v128.store(to + (k << 3), b, 16);
  }
}

/**
 * Smooths height × width × channels along columns and then rows. `x` holds height + 2 radiusY rows of `width` pixels,
 * bordered; `columns` the source of each of width + 2 radiusX columns; `row` has room for one such row.
 */
export function smoothed(
  x: usize,
  out: usize,
  height: u32,
  width: u32,
  channels: u32,
  tapsY: usize,
  radiusY: u32,
  tapsX: usize,
  radiusX: u32,
  columns: usize,
  row: usize,
): void {
  const rowSize = width * channels;
  const rowBytes = <usize>rowSize << 3;
  const pixelBytes = <usize>channels << 3;
  const inside = row + <usize>radiusX * pixelBytes;
  for (let y: u32 = 0; y < height; y++) {
    weighted(x + <usize>(y + radiusY) * rowBytes, <isize>rowBytes, inside, rowSize, tapsY, radiusY);
    if (radiusX == 0) memory.copy(out, inside, rowBytes);
    else {
      for (let i: u32 = 0; i < radiusX; i++) {
        const left = inside + load<u32>(columns + (<usize>i << 2)) * pixelBytes;
        memory.copy(row + i * pixelBytes, left, pixelBytes);
      }
      const beyond = inside + rowBytes;
      for (let i: u32 = 0; i < radiusX; i++) {
        const right = inside + load<u32>(columns + (<usize>(i + radiusX + width) << 2)) * pixelBytes;
        memory.copy(beyond + i * pixelBytes, right, pixelBytes);
      }
      weighted(inside, <isize>pixelBytes, out, rowSize, tapsX, radiusX);
    }
    out += rowBytes;
  }
}
