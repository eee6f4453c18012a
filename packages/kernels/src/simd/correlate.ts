// AssemblyScript. Sums of products of an image and a filter, as the input gradient of a convolution needs them:
//   out[n, h, w, o] = Σ_{kh, kw, i} x[n, h + kh·dilationHeight − top, w + kw·dilationWidth − left, i] · filter[kh, kw, i, o].
// The filter comes in panels [o / 8, kh, kw, i, 8], so that a tile of four pixels and eight channels stays in registers
// and reads them one after another. Pixels outside the image are read from `zeros`, a pixel of zeros.
import { storeLanes } from './lanes';

export function correlate(
  x: usize,
  panels: usize,
  out: usize,
  zeros: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  inChannels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  top: i32,
  left: i32,
): void {
  const pixel = <usize>inChannels << 2;
  const outPixel = <usize>outChannels << 2;
  const image = pixel * inHeight * inWidth;
  const panelSize = (<usize>(filterHeight * filterWidth * inChannels)) << 5;
  memory.fill(zeros, 0, pixel);
  for (let n = 0; n < batch; n++) {
    for (let h = 0; h < outHeight; h++) {
      let panel = panels;
      for (let o = 0; o < outChannels; o += 8) {
        const width = outChannels - o;
        for (let w = 0; w < outWidth; w += 4) {
          const zero = f32x4.splat(0);
          let s0 = zero, s1 = zero, t0 = zero, t1 = zero, u0 = zero, u1 = zero, v0 = zero, v1 = zero;
          let f = panel;
          for (let kh = 0; kh < filterHeight; kh++) {
            const row = h + kh * dilationHeight - top;
            if (<u32>row >= <u32>inHeight) {
              f += (<usize>(filterWidth * inChannels)) << 5;
              continue;
            }
            const start = x + pixel * <usize>(row * inWidth);
            for (let kw = 0; kw < filterWidth; kw++) {
              const column = w + kw * dilationWidth - left;
              let p0 = <u32>column < <u32>inWidth ? start + pixel * <usize>column : zeros;
              let p1 = <u32>(column + 1) < <u32>inWidth ? start + pixel * <usize>(column + 1) : zeros;
              let p2 = <u32>(column + 2) < <u32>inWidth ? start + pixel * <usize>(column + 2) : zeros;
              let p3 = <u32>(column + 3) < <u32>inWidth ? start + pixel * <usize>(column + 3) : zeros;
              for (const end = p0 + pixel; p0 < end; p0 += 4) {
                const y0 = v128.load(f), y1 = v128.load(f, 16);
                let a = v128.load32_splat(p0);
                s0 = f32x4.add(s0, f32x4.mul(a, y0));
                s1 = f32x4.add(s1, f32x4.mul(a, y1));
                a = v128.load32_splat(p1);
                t0 = f32x4.add(t0, f32x4.mul(a, y0));
                t1 = f32x4.add(t1, f32x4.mul(a, y1));
                a = v128.load32_splat(p2);
                u0 = f32x4.add(u0, f32x4.mul(a, y0));
                u1 = f32x4.add(u1, f32x4.mul(a, y1));
                a = v128.load32_splat(p3);
                v0 = f32x4.add(v0, f32x4.mul(a, y0));
                v1 = f32x4.add(v1, f32x4.mul(a, y1));
                p1 += 4;
                p2 += 4;
                p3 += 4;
                f += 32;
              }
            }
          }
          const to = out + outPixel * <usize>(h * outWidth + w) + (<usize>o << 2);
          const left4 = outWidth - w;
          put(to, s0, s1, width);
          if (left4 > 1) put(to + outPixel, t0, t1, width);
          if (left4 > 2) put(to + 2 * outPixel, u0, u1, width);
          if (left4 > 3) put(to + 3 * outPixel, v0, v1, width);
        }
        panel += panelSize;
      }
    }
    x += image;
    out += outPixel * outHeight * outWidth;
  }
}

function put(to: usize, low: v128, high: v128, width: i32): void {
  storeLanes(to, low, width);
  if (width > 4) storeLanes(to + 16, high, width - 4);
}
