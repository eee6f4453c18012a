// AssemblyScript. Copies an image into another one, its pixels some steps apart: the steps are in bytes.

export function placePixels(
  from: usize,
  to: usize,
  batch: i32,
  rows: i32,
  columns: i32,
  channels: i32,
  fromImage: usize,
  fromRow: usize,
  toImage: usize,
  toRow: usize,
  toColumn: usize,
): void {
  const pixel = <usize>channels << 2;
  for (let n = 0; n < batch; n++) {
    let source = from, target = to;
    for (let h = 0; h < rows; h++) {
      if (toColumn == pixel) memory.copy(target, source, pixel * columns);
      else {
        let p = source, q = target;
        for (let w = 0; w < columns; w++) {
          let c: usize = 0;
          for (; c + 16 <= pixel; c += 16) v128.store(q + c, v128.load(p + c));
          for (; c < pixel; c += 4) store<f32>(q + c, load<f32>(p + c));
          p += pixel;
          q += toColumn;
        }
      }
      source += fromRow;
      target += toRow;
    }
    from += fromImage;
    to += toImage;
  }
}
