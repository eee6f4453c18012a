// AssemblyScript. A 2-D convolution: the forward one, and those of which the input gradient is made.
import { loadLanes, storeLanes } from './lanes';
import { madd } from './madd';


/**
 * out[n, h, w, o] = min(max(bias[o] + Σ_{kh, kw, i} x[n, row, column, i] · filter[kh, kw, i, o], low), high) with
 * row = h·strideHeight + kh·dilationHeight − top and column = w·strideWidth + kw·dilationWidth − left; a NaN stays NaN.
 * The filter comes in panels [o / 8, kh, kw, i, 8], so that a tile of four pixels and eight channels stays in registers
 * and reads them one after another. Pixels outside the image are read from `zeros`, a pixel of zeros.
 */
export function convolution(
  x: usize,
  panels: usize,
  bias: usize,
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
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  top: i32,
  left: i32,
  low: f32,
  high: f32,
): void {
  const pixel = <usize>inChannels << 2;
  const outPixel = <usize>outChannels << 2;
  const image = pixel * inHeight * inWidth;
  const outImage = outPixel * outHeight * outWidth;
  const filterRow = (<usize>(filterWidth * inChannels)) << 5;
  const panelSize = filterRow * filterHeight;
  const clamps = low > -Infinity || high < Infinity;
  // So many pixels are worked off panel by panel, while they and a panel stay in the first cache; a filter that is larger than
  // the second one must meet more of them.
  const blockPixels = panelSize * ((outChannels + 7) / 8) > 1 << 19 ? 128 : 32;
  const blockColumns = min(outWidth, blockPixels);
  const blockRows = min(outHeight, max(1, blockPixels / blockColumns));
  const blockImages = min(batch, max(1, blockPixels / (blockColumns * blockRows)));
  for (let n0 = 0; n0 < batch; n0 += blockImages)
    for (let h0 = 0; h0 < outHeight; h0 += blockRows)
      for (let w0 = 0; w0 < outWidth; w0 += blockColumns) {
        const n1 = min(batch, n0 + blockImages), h1 = min(outHeight, h0 + blockRows), w1 = min(outWidth, w0 + blockColumns);
        let panel = panels;
        for (let o = 0; o < outChannels; o += 8) {
          const width = outChannels - o;
          const bias0 = loadLanes(bias + (<usize>o << 2), width);
          const bias1 = width > 4 ? loadLanes(bias + (<usize>o << 2) + 16, width - 4) : f32x4.splat(0);
          for (let n = n0; n < n1; n++) {
            const from = x + <usize>n * image;
            for (let h = h0; h < h1; h++) {
              let to = out + <usize>n * outImage + outPixel * <usize>(h * outWidth + w0) + (<usize>o << 2);
              for (let w = w0; w < w1; w += 4) {
                let s0 = bias0, s1 = bias1, t0 = bias0, t1 = bias1, u0 = bias0, u1 = bias1, v0 = bias0, v1 = bias1;
                const first = w * strideWidth - left;
                // Where four windows lie inside the image, a row of the filter meets values that lie beside one another.
                const whole = dilationWidth == 1 && first >= 0 && first + 3 * strideWidth + filterWidth <= inWidth;
                const taps = whole ? 1 : filterWidth;
                const run = whole ? pixel * filterWidth : pixel;
                let f = panel;
                for (let kh = 0; kh < filterHeight; kh++) {
                  const row = h * strideHeight + kh * dilationHeight - top;
                  if (<u32>row >= <u32>inHeight) {
                    f += filterRow;
                    continue;
                  }
                  const start = from + pixel * <usize>(row * inWidth);
                  for (let kw = 0; kw < taps; kw++) {
                    let column = first + kw * dilationWidth;
                    let p0 = <u32>column < <u32>inWidth ? start + pixel * <usize>column : zeros;
                    column += strideWidth;
                    let p1 = <u32>column < <u32>inWidth ? start + pixel * <usize>column : zeros;
                    column += strideWidth;
                    let p2 = <u32>column < <u32>inWidth ? start + pixel * <usize>column : zeros;
                    column += strideWidth;
                    let p3 = <u32>column < <u32>inWidth ? start + pixel * <usize>column : zeros;
                    for (const end = p0 + run; p0 < end; p0 += 4) {
                      const y0 = v128.load(f), y1 = v128.load(f, 16);
                      let a = v128.load32_splat(p0);
                      s0 = madd(a, y0, s0);
                      s1 = madd(a, y1, s1);
                      a = v128.load32_splat(p1);
                      t0 = madd(a, y0, t0);
                      t1 = madd(a, y1, t1);
                      a = v128.load32_splat(p2);
                      u0 = madd(a, y0, u0);
                      u1 = madd(a, y1, u1);
                      a = v128.load32_splat(p3);
                      v0 = madd(a, y0, v0);
                      v1 = madd(a, y1, v1);
                      p1 += 4;
                      p2 += 4;
                      p3 += 4;
                      f += 32;
                    }
                  }
                }
                if (clamps) {
                  s0 = clamp(s0, low, high);
                  s1 = clamp(s1, low, high);
                  t0 = clamp(t0, low, high);
                  t1 = clamp(t1, low, high);
                  u0 = clamp(u0, low, high);
                  u1 = clamp(u1, low, high);
                  v0 = clamp(v0, low, high);
                  v1 = clamp(v1, low, high);
                }
                const pixels = w1 - w;
                if (width >= 8 && pixels > 3) {
                  v128.store(to, s0);
                  v128.store(to, s1, 16);
                  v128.store(to + outPixel, t0);
                  v128.store(to + outPixel, t1, 16);
                  v128.store(to + 2 * outPixel, u0);
                  v128.store(to + 2 * outPixel, u1, 16);
                  v128.store(to + 3 * outPixel, v0);
                  v128.store(to + 3 * outPixel, v1, 16);
                } else {
                  put(to, s0, s1, width);
                  if (pixels > 1) put(to + outPixel, t0, t1, width);
                  if (pixels > 2) put(to + 2 * outPixel, u0, u1, width);
                  if (pixels > 3) put(to + 3 * outPixel, v0, v1, width);
                }
                to += 4 * outPixel;
              }
            }
          }
          panel += panelSize;
        }
      }
}

// @ts-ignore: decorator
@inline
function clamp(v: v128, low: f32, high: f32): v128 {
  return f32x4.min(f32x4.max(v, f32x4.splat(low)), f32x4.splat(high));
}

function put(to: usize, low: v128, high: v128, width: i32): void {
  storeLanes(to, low, width);
  if (width > 4) storeLanes(to + 16, high, width - 4);
}
