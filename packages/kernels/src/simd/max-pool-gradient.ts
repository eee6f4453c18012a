// AssemblyScript. dx of a max pooling: each dy goes to the first largest value of its window, in rows from the top left.
import { addLanes, loadLanes } from './lanes';

export function maxPoolGradient(
  x: usize,
  dy: usize,
  dx: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
): void {
  const pixel = <usize>channels << 2;
  const image = pixel * inHeight * inWidth;
  memory.fill(dx, 0, image * batch);
  for (let n = 0; n < batch; n++) {
    for (let h = 0; h < outHeight; h++)
      for (let w = 0; w < outWidth; w++) {
        const row = h * strideHeight - top, column = w * strideWidth - left;
        for (let c = 0; c < channels; c += 4) {
          const lanes = channels - c;
          const at = <usize>c << 2;
          let largest = f32x4.splat(-Infinity);
          let winner = i32x4.splat(-1);
          for (let kh = 0; kh < filterHeight; kh++) {
            const r = row + kh;
            if (<u32>r >= <u32>inHeight) continue;
            for (let kw = 0; kw < filterWidth; kw++) {
              const q = column + kw;
              if (<u32>q >= <u32>inWidth) continue;
              const value = loadLanes(x + pixel * <usize>(r * inWidth + q) + at, lanes);
              const larger = f32x4.gt(value, largest);
              largest = v128.bitselect(value, largest, larger);
              winner = v128.bitselect(i32x4.splat(kh * filterWidth + kw), winner, larger);
            }
          }
          const gradient = loadLanes(dy + at, lanes);
          for (let kh = 0; kh < filterHeight; kh++) {
            const r = row + kh;
            if (<u32>r >= <u32>inHeight) continue;
            for (let kw = 0; kw < filterWidth; kw++) {
              const q = column + kw;
              if (<u32>q >= <u32>inWidth) continue;
              const chosen = i32x4.eq(winner, i32x4.splat(kh * filterWidth + kw));
              addLanes(dx + pixel * <usize>(r * inWidth + q) + at, v128.and(gradient, chosen), lanes);
            }
          }
        }
        dy += pixel;
      }
    x += image;
    dx += image;
  }
}
