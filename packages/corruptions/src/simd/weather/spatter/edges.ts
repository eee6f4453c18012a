// AssemblyScript of weather/spatter/edges.ts: the same integers.
import { FAR } from './distance';

/** tan 22.5° in 15-bit fixed point. */
const TANGENT_22: i64 = 13573;

/** Below and above which thresholds gradients are no edges, and are edges by themselves. */
const LOW = 50;
const HIGH = 150;

/**
 * Edges of levels: 0 in `distance`, of (height + 4) × (width + 4), FAR elsewhere. `gx`, `gy`, `stack` and `magnitude` have
 * room for (height + 2) (width + 2) i32, `marks` for as many bytes.
 */
export function edges(
  levels: usize,
  height: i32,
  width: i32,
  gx: usize,
  gy: usize,
  magnitude: usize,
  marks: usize,
  stack: usize,
  distance: usize,
): void {
  const stride = width + 2;
  memory.fill(magnitude, 0, (height + 2) * stride << 2);
  memory.fill(marks, 0, (height + 2) * stride);
  for (let y = 0; y < height; y++) {
    const row = levels + y * width;
    const above = levels + max(y - 1, 0) * width;
    const below = levels + min(y + 1, height - 1) * width;
    for (let x = 0; x < width; x++) {
      const left = max(x - 1, 0);
      const right = min(x + 1, width - 1);
      const falling = <i32>load<u8>(below + right) - <i32>load<u8>(above + left);
      const rising = <i32>load<u8>(above + right) - <i32>load<u8>(below + left);
      const dx = falling + rising + 2 * (<i32>load<u8>(row + right) - <i32>load<u8>(row + left));
      const dy = falling - rising + 2 * (<i32>load<u8>(below + x) - <i32>load<u8>(above + x));
      const at = <usize>((y + 1) * stride + x + 1) << 2;
      store<i32>(gx + at, dx);
      store<i32>(gy + at, dy);
      store<i32>(magnitude + at, abs(dx) + abs(dy));
    }
  }
  // Marks: 1 may be an edge, 2 is one.
  let open = stack;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = (y + 1) * stride + x + 1;
      const m = load<i32>(magnitude + (<usize>at << 2));
      if (m <= LOW) continue;
      const dx = load<i32>(gx + (<usize>at << 2));
      const dy = load<i32>(gy + (<usize>at << 2));
      const steep = <i64>abs(dy) << 15;
      const tangent22 = <i64>abs(dx) * TANGENT_22;
      const flat = steep < tangent22;
      const upright = steep > tangent22 + (<i64>abs(dx) << 16);
      const across = flat ? 1 : upright ? stride : dx < 0 != dy < 0 ? stride - 1 : stride + 1;
      const before = load<i32>(magnitude + (<usize>(at - across) << 2));
      const after = load<i32>(magnitude + (<usize>(at + across) << 2));
      if (m <= before || (flat || upright ? m < after : m <= after)) continue;
      store<u8>(marks + at, m > HIGH ? 2 : 1);
      if (m > HIGH) {
        store<i32>(open, at);
        open += 4;
      }
    }
  const far = i32x4.splat(FAR);
  const end = distance + ((height + 4) * (width + 4) << 2);
  for (let at = distance; at < end; at += 16) v128.store(at, far);
  while (open > stack) {
    open -= 4;
    const at = load<i32>(open);
    store<i32>(distance + ((at / stride + 1) * (width + 4) + (at % stride) + 1 << 2), 0);
    for (let row = at - stride; row <= at + stride; row += stride)
      for (let next = row - 1; next <= row + 1; next++)
        if (load<u8>(marks + next) == 1) {
          store<u8>(marks + next, 2);
          store<i32>(open, next);
          open += 4;
        }
  }
}
