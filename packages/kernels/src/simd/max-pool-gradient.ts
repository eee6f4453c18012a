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
  const xRow = pixel * inWidth;
  for (let n = 0; n < batch; n++) {
    for (let h = 0; h < outHeight; h++) {
      const row = h * strideHeight - top;
      const firstRow = max(0, row), rows = min(inHeight, row + filterHeight) - firstRow;
      for (let w = 0; w < outWidth; w++) {
        const column = w * strideWidth - left;
        const firstColumn = max(0, column), columns = min(inWidth, column + filterWidth) - firstColumn;
        const start = pixel * <usize>(firstRow * inWidth + firstColumn);
        for (let c = 0; c < channels; c += 4) {
          const lanes = channels - c;
          const at = <usize>c << 2;
          let largest = f32x4.splat(-Infinity);
          let winner = i32x4.splat(-1);
          let index = i32x4.splat(0);
          let p = x + start + at;
          for (let kh = 0; kh < rows; kh++) {
            let q = p;
            for (let kw = 0; kw < columns; kw++) {
              const value = loadLanes(q, lanes);
              const larger = f32x4.gt(value, largest);
              largest = v128.bitselect(value, largest, larger);
              winner = v128.bitselect(index, winner, larger);
              index = i32x4.add(index, i32x4.splat(1));
              q += pixel;
            }
            p += xRow;
          }
          const gradient = loadLanes(dy + at, lanes);
          index = i32x4.splat(0);
          p = dx + start + at;
          for (let kh = 0; kh < rows; kh++) {
            let q = p;
            for (let kw = 0; kw < columns; kw++) {
              addLanes(q, v128.and(gradient, i32x4.eq(winner, index)), lanes);
              index = i32x4.add(index, i32x4.splat(1));
              q += pixel;
            }
            p += xRow;
          }
        }
        dy += pixel;
      }
    }
    x += image;
    dx += image;
  }
}
