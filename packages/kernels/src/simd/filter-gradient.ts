// AssemblyScript. The filter gradient of a 2-D convolution.
import { addLanes, loadLanes } from './lanes';
import { madd } from './madd';

const blockPixels: i32 = 128;

/** A block of pixels: images × rows × columns, with the steps between them in x and in dy. */
let images: i32, rows: i32, columns: i32;
let xImage: usize, xRow: usize, xColumn: usize;
let dyImage: usize, dyRow: usize, dyColumn: usize;

function tile4x8(x: usize, dy: usize, dw: usize, dwRow: usize): void {
  const zero = f32x4.splat(0);
  let a0 = zero, a1 = zero, b0 = zero, b1 = zero, c0 = zero, c1 = zero, d0 = zero, d1 = zero;
  const h1 = rows, xStep = xColumn, dyStep = dyColumn, length = <usize>columns * dyColumn;
  for (let n = 0; n < images; n++) {
    let xStart = x, dyStart = dy;
    for (let h = 0; h < h1; h++) {
      let p = xStart;
      for (let q = dyStart, end = dyStart + length; q < end; q += dyStep) {
        const y0 = v128.load(q), y1 = v128.load(q, 16);
        let s = v128.load32_splat(p);
        a0 = madd(s, y0, a0);
        a1 = madd(s, y1, a1);
        s = v128.load32_splat(p, 4);
        b0 = madd(s, y0, b0);
        b1 = madd(s, y1, b1);
        s = v128.load32_splat(p, 8);
        c0 = madd(s, y0, c0);
        c1 = madd(s, y1, c1);
        s = v128.load32_splat(p, 12);
        d0 = madd(s, y0, d0);
        d1 = madd(s, y1, d1);
        p += xStep;
      }
      xStart += xRow;
      dyStart += dyRow;
    }
    x += xImage;
    dy += dyImage;
  }
  addLanes(dw, a0, 4);
  addLanes(dw + 16, a1, 4);
  addLanes(dw + dwRow, b0, 4);
  addLanes(dw + dwRow + 16, b1, 4);
  addLanes(dw + 2 * dwRow, c0, 4);
  addLanes(dw + 2 * dwRow + 16, c1, 4);
  addLanes(dw + 3 * dwRow, d0, 4);
  addLanes(dw + 3 * dwRow + 16, d1, 4);
}

/** Four inputs × up to four outputs. */
function tile4(x: usize, dy: usize, dw: usize, dwRow: usize, lanes: i32): void {
  const zero = f32x4.splat(0);
  let a = zero, b = zero, c = zero, d = zero;
  for (let n = 0; n < images; n++) {
    let xStart = x, dyStart = dy;
    for (let h = 0; h < rows; h++) {
      let p = xStart, q = dyStart;
      for (let w = 0; w < columns; w++) {
        const y = loadLanes(q, lanes);
        a = madd(v128.load32_splat(p), y, a);
        b = madd(v128.load32_splat(p, 4), y, b);
        c = madd(v128.load32_splat(p, 8), y, c);
        d = madd(v128.load32_splat(p, 12), y, d);
        p += xColumn;
        q += dyColumn;
      }
      xStart += xRow;
      dyStart += dyRow;
    }
    x += xImage;
    dy += dyImage;
  }
  addLanes(dw, a, lanes);
  addLanes(dw + dwRow, b, lanes);
  addLanes(dw + 2 * dwRow, c, lanes);
  addLanes(dw + 3 * dwRow, d, lanes);
}

/** One input × up to four outputs. */
function tile1(x: usize, dy: usize, dw: usize, lanes: i32): void {
  let a = f32x4.splat(0);
  for (let n = 0; n < images; n++) {
    let xStart = x, dyStart = dy;
    for (let h = 0; h < rows; h++) {
      let p = xStart, q = dyStart;
      for (let w = 0; w < columns; w++) {
        a = madd(v128.load32_splat(p), loadLanes(q, lanes), a);
        p += xColumn;
        q += dyColumn;
      }
      xStart += xRow;
      dyStart += dyRow;
    }
    x += xImage;
    dy += dyImage;
  }
  addLanes(dw, a, lanes);
}

/** dw[inputs, outputs] += Σ over the block of x ⊗ dy. */
function addOuterProducts(x: usize, dy: usize, dw: usize, inputs: i32, outputs: i32): void {
  const dwRow = <usize>outputs << 2;
  let i = 0;
  for (; i + 4 <= inputs; i += 4) {
    const xi = x + (<usize>i << 2), row = dw + <usize>i * dwRow;
    let o = 0;
    for (; o + 8 <= outputs; o += 8) tile4x8(xi, dy + (<usize>o << 2), row + (<usize>o << 2), dwRow);
    for (; o < outputs; o += 4) tile4(xi, dy + (<usize>o << 2), row + (<usize>o << 2), dwRow, outputs - o);
  }
  for (; i < inputs; i++)
    for (let o = 0; o < outputs; o += 4)
      tile1(x + (<usize>i << 2), dy + (<usize>o << 2), dw + <usize>i * dwRow + (<usize>o << 2), outputs - o);
}

/** The first and the last + 1 output position, between from and to, whose input lies inside 0 … size − 1. */
// @ts-ignore: decorator
@inline
function firstInside(from: i32, offset: i32, stride: i32): i32 {
  return offset >= 0 ? from : max(from, (stride - 1 - offset) / stride);
}
// @ts-ignore: decorator
@inline
function lastInside(to: i32, offset: i32, stride: i32, size: i32): i32 {
  return offset >= size ? 0 : min(to, (size - 1 - offset) / stride + 1);
}

/**
 * The filter gradient as a sum of outer products, one per pixel of dy:
 *   dw[kh, kw, i, o] = Σ_{n, h, w} x[n, h·strideHeight + kh·dilationHeight − top, …, i] · dy[n, h, w, o].
 * A tile of 4 × 8 products stays in registers while a block of about 128 pixels, small enough for the cache, goes by.
 * `run` values of x beside one another meet every dy: the input channels, or filterWidth · channels of a padded image
 * whose columns then lie `channels` apart. dw, of filterHeight · filterWidth · run · outChannels values, is overwritten.
 */
export function filterGradient(
  x: usize,
  dy: usize,
  dw: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  inChannels: i32,
  run: i32,
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
): void {
  const tap = <usize>(run * outChannels) << 2;
  memory.fill(dw, 0, tap * filterHeight * filterWidth);
  const pixel = <usize>inChannels << 2;
  dyColumn = <usize>outChannels << 2;
  dyRow = dyColumn * outWidth;
  dyImage = dyRow * outHeight;
  xColumn = pixel * strideWidth;
  xRow = pixel * inWidth * strideHeight;
  xImage = pixel * inWidth * inHeight;
  const blockColumns = min(outWidth, blockPixels);
  const blockRows = min(outHeight, max(1, blockPixels / blockColumns));
  const blockImages = min(batch, max(1, blockPixels / (blockColumns * blockRows)));
  for (let n = 0; n < batch; n += blockImages)
    for (let h = 0; h < outHeight; h += blockRows)
      for (let w = 0; w < outWidth; w += blockColumns) {
        images = min(blockImages, batch - n);
        const xStart = x + <usize>n * xImage, dyStart = dy + <usize>n * dyImage;
        for (let kh = 0; kh < filterHeight; kh++) {
          const rowOffset = kh * dilationHeight - top;
          const h0 = firstInside(h, rowOffset, strideHeight);
          rows = lastInside(min(h + blockRows, outHeight), rowOffset, strideHeight, inHeight) - h0;
          if (rows <= 0) continue;
          for (let kw = 0; kw < filterWidth; kw++) {
            const columnOffset = kw * dilationWidth - left;
            const w0 = firstInside(w, columnOffset, strideWidth);
            columns = lastInside(min(w + blockColumns, outWidth), columnOffset, strideWidth, inWidth) - w0;
            if (columns <= 0) continue;
            const row = h0 * strideHeight + rowOffset, column = w0 * strideWidth + columnOffset;
            addOuterProducts(
              xStart + pixel * <usize>(row * inWidth + column),
              dyStart + dyColumn * <usize>(h0 * outWidth + w0),
              dw + tap * <usize>(kh * filterWidth + kw),
              run,
              outChannels,
            );
          }
        }
      }
}
