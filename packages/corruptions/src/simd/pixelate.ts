// AssemblyScript. The averages of ../digital/pixelate.ts, the same integers.

/** Averages along the middle axis of outer × length × inner levels, first and count (u32) telling the spans. */
export function averaged(
  levels: usize,
  out: usize,
  outer: u32,
  length: u32,
  inner: u32,
  first: usize,
  count: usize,
  to: u32,
): void {
  for (let o: u32 = 0; o < outer; o++)
    for (let i: u32 = 0; i < to; i++) {
      const n = load<u32>(count + (<usize>i << 2));
      const weight = (<u32>(1 << 23) + n) / (2 * n);
      const from = levels + (o * length + load<u32>(first + (<usize>i << 2))) * inner;
      for (let k: u32 = 0; k < inner; k++) {
        let sum: u32 = 0;
        let at = from + k;
        for (let j: u32 = 0; j < n; j++) {
          sum += load<u8>(at);
          at += inner;
        }
        store<u8>(out, <u8>((sum * weight + (1 << 21)) >> 22));
        out++;
      }
    }
}

/** Repeats the pixels of an image of `stride` a row: rows and columns (u32) tell which. */
export function enlarged(
  small: usize,
  out: usize,
  rows: usize,
  height: u32,
  columns: usize,
  width: u32,
  stride: u32,
  channels: u32,
): void {
  for (let y: u32 = 0; y < height; y++) {
    const row = small + load<u32>(rows + (<usize>y << 2)) * stride * channels;
    for (let x: u32 = 0; x < width; x++) {
      // Four bytes at once: what is too much is overwritten by the next pixel.
      store<u32>(out, load<u32>(row + load<u32>(columns + (<usize>x << 2)) * channels));
      out += channels;
    }
  }
}
