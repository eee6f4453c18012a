// AssemblyScript of weather/spatter/distance.ts: the same integers.

/** Lengths of a step along an axis, along a diagonal and of a knight's move, in 16-bit fixed point. */
const STRAIGHT = 65536;
const DIAGONAL = 91750;
const KNIGHT = 143976;

export const FAR: i32 = 1 << 30;

/** Lowers every distance to what its neighbours before it, seen in steps of `right` and `down` bytes, allow. */
export function sweep(from: usize, height: i32, width: i32, right: isize, down: isize): void {
  for (let y = 0; y < height; y++) {
    let at = from;
    for (let x = 0; x < width; x++) {
      const above = at - down;
      const straight = min(load<i32>(above), load<i32>(at - right)) + STRAIGHT;
      const diagonal = min(load<i32>(above - right), load<i32>(above + right)) + DIAGONAL;
      const wide = min(load<i32>(above - 2 * right), load<i32>(above + 2 * right));
      const high = min(load<i32>(above - down - right), load<i32>(above - down + right));
      store<i32>(at, min(load<i32>(at), min(min(diagonal, straight), min(wide, high) + KNIGHT)));
      at += right;
    }
    from += down;
  }
}
