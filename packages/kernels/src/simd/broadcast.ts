// AssemblyScript. out[o, m, i] = a[o, m, i] ∘ b[o, i] for an operation ∘ of two numbers, or b[o, i] ∘ a[o, m, i].
import { loadLanes, storeLanes } from './lanes';

/** By its number: sums, differences and quotients both ways around, products, the larger and the smaller. */
// @ts-ignore: decorator
@inline
function apply(operation: i32, a: v128, b: v128): v128 {
  if (operation == 0) return f32x4.add(a, b);
  if (operation == 1) return f32x4.sub(a, b);
  if (operation == 2) return f32x4.sub(b, a);
  if (operation == 3) return f32x4.mul(a, b);
  if (operation == 4) return f32x4.div(a, b);
  if (operation == 5) return f32x4.div(b, a);
  if (operation == 6) return f32x4.max(a, b);
  return f32x4.min(a, b);
}

/** Rows of a with one row of b. */
// @ts-ignore: decorator
@inline
function withRow(operation: i32, a: usize, b: usize, out: usize, rows: i32, columns: i32): void {
  const row = <usize>columns << 2, whole = row & ~15;
  for (let r = 0; r < rows; r++) {
    let i: usize = 0;
    for (; i < whole; i += 16) v128.store(out + i, apply(operation, v128.load(a + i), v128.load(b + i)));
    if (i < row) {
      const lanes = columns & 3;
      storeLanes(out + i, apply(operation, loadLanes(a + i, lanes), loadLanes(b + i, lanes)), lanes);
    }
    a += row;
    out += row;
  }
}

/** n values of a with one of b. */
// @ts-ignore: decorator
@inline
function withNumber(operation: i32, a: usize, b: usize, out: usize, n: i32): void {
  const number = v128.load32_splat(b);
  const bytes = <usize>n << 2, whole = bytes & ~15;
  let i: usize = 0;
  for (; i < whole; i += 16) v128.store(out + i, apply(operation, v128.load(a + i), number));
  if (i < bytes) {
    const lanes = n & 3;
    storeLanes(out + i, apply(operation, loadLanes(a + i, lanes), number), lanes);
  }
}

// @ts-ignore: decorator
@inline
function all(operation: i32, a: usize, b: usize, out: usize, outer: i32, middle: i32, inner: i32): void {
  const slab = (<usize>middle * inner) << 2, row = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    if (inner == 1) withNumber(operation, a, b, out, middle);
    else withRow(operation, a, b, out, middle, inner);
    a += slab;
    b += row;
    out += slab;
  }
}

export function broadcast(
  operation: i32, a: usize, b: usize, out: usize, outer: i32, middle: i32, inner: i32,
): void {
  if (operation == 0) all(0, a, b, out, outer, middle, inner);
  else if (operation == 1) all(1, a, b, out, outer, middle, inner);
  else if (operation == 2) all(2, a, b, out, outer, middle, inner);
  else if (operation == 3) all(3, a, b, out, outer, middle, inner);
  else if (operation == 4) all(4, a, b, out, outer, middle, inner);
  else if (operation == 5) all(5, a, b, out, outer, middle, inner);
  else if (operation == 6) all(6, a, b, out, outer, middle, inner);
  else all(7, a, b, out, outer, middle, inner);
}
