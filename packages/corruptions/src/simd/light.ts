// AssemblyScript. What lies over an image, pixel by pixel; one of `channels` is read and written as four, so the last
// pixel runs over by up to three bytes.
import { loadLevels, storeLevels } from './convert';

/** clip(a x + b F) for n values of an image and a texture. */
export function blend(levels: usize, texture: usize, n: u32, a: f32, b: f32): void {
  for (let i: usize = 0; i < n; i += 4) {
    const image = f32x4.mul(f32x4.splat(a), loadLevels(levels + i));
    storeLevels(levels + i, f32x4.add(image, f32x4.mul(f32x4.splat(b), v128.load(texture + (i << 2)))));
  }
}

/** clip((x + c p) M / (M + c)) with levels x and M, c in levels, from rows of p of `stride` float64. */
export function veil(
  levels: usize,
  out: usize,
  height: u32,
  width: u32,
  channels: u32,
  map: usize,
  stride: u32,
  c: f32,
  most: f32,
): void {
  const brightest = f32x4.splat(most);
  const sum = f32x4.splat(most + c);
  for (let y: u32 = 0; y < height; y++) {
    for (let x: u32 = 0; x < width; x++) {
      const haze = f32x4.splat(c * <f32>load<f64>(map + (<usize>x << 3)));
      storeLevels(out, f32x4.div(f32x4.mul(f32x4.add(loadLevels(levels), haze), brightest), sum));
      levels += channels;
      out += channels;
    }
    map += <usize>stride << 3;
  }
}

/** clip(keep x + (1 - keep) max(x, 1.5 luma + 127.5) + m + m turned by 180 degrees), m levels of one channel. */
export function snowed(levels: usize, out: usize, pixels: u32, channels: u32, flakes: usize, keep: f32): void {
  const rest = f32x4.splat(1 - keep);
  const kept = f32x4.splat(keep);
  let opposite = flakes + pixels - 1;
  for (let i: u32 = 0; i < pixels; i++) {
    const v = loadLevels(levels);
    const red = f32x4.extract_lane(v, 0);
    const luma =
      channels == 1
        ? red
        : <f32>0.299 * red + <f32>0.587 * f32x4.extract_lane(v, 1) + <f32>0.114 * f32x4.extract_lane(v, 2);
    const whitened = f32x4.pmax(v, f32x4.splat(luma * 1.5 + 127.5));
    const flake = f32x4.splat(<f32>(<u32>load<u8>(flakes + i) + <u32>load<u8>(opposite)));
    storeLevels(out, f32x4.add(f32x4.add(f32x4.mul(kept, v), f32x4.mul(rest, whitened)), flake));
    levels += channels;
    out += channels;
    opposite--;
  }
}

/** Replaces n levels by what a table of 256 for each channel says. */
export function looked(levels: usize, n: u32, channels: u32, tables: usize): void {
  for (let i: u32 = 0; i < n; i += channels)
    for (let c: u32 = 0; c < channels; c++) {
      const at = levels + i + c;
      store<u8>(at, load<u8>(tables + (<usize>c << 8) + load<u8>(at)));
    }
}

/** The sums of the levels of each channel, as u32. */
export function channelSums(levels: usize, n: u32, channels: u32, out: usize): void {
  for (let c: u32 = 0; c < channels; c++) {
    let sum: u32 = 0;
    for (let i = c; i < n; i += channels) sum += load<u8>(levels + i);
    store<u32>(out + (<usize>c << 2), sum);
  }
}
