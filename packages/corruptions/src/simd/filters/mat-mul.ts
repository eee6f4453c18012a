// AssemblyScript. The matrix product by which filters/gaussian-filter.ts takes a large sigma.

/** How many rows of b, and how many of their columns, are multiplied at a time: 16 KiB, which stay in the first cache. */
const DEPTH: u32 = 256;
const WIDTH: u32 = 8;

/**
 * c = a b for m × k and k × n matrices of f64; every sum from the first product to the last. `panel` has room for 16 KiB and
 * 64 bytes: columns of b side by side, because a stride of a power of two would put them all into a few lines of the cache.
 */
export function matMul(a: usize, b: usize, c: usize, m: u32, n: u32, k: u32, panel: usize): void {
  for (let column: u32 = 0; column < n; column += WIDTH) {
    const bytes = <usize>min(WIDTH, n - column) << 3;
    for (let first: u32 = 0; first < k; first += DEPTH) {
      const depth = min(DEPTH, k - first);
      for (let row: u32 = 0; row < depth; row++)
        memory.copy(panel + (<usize>row << 6), b + <usize>(((first + row) * n + column) << 3), bytes);
      let to = c + (<usize>column << 3);
      for (let from = a + (<usize>first << 3), i: u32 = 0; i < m; i++) {
        multiply(from, panel, depth, to, bytes, first == 0);
        from += <usize>k << 3;
        to += <usize>n << 3;
      }
    }
  }
}

/** Up to eight sums at `to`: they begin, or go on, with the products of `depth` numbers of a row and those of the panel. */
// @ts-ignore: decorator
@inline
function multiply(row: usize, panel: usize, depth: u32, to: usize, bytes: usize, begin: bool): void {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  if (!begin) {
    s0 = v128.load(to);
    s1 = v128.load(to, 16);
    s2 = v128.load(to, 32);
    s3 = v128.load(to, 48);
  }
  for (const end = row + (<usize>depth << 3); row < end; row += 8) {
    const weight = v128.load64_splat(row);
    s0 = f64x2.add(s0, f64x2.mul(weight, v128.load(panel)));
    s1 = f64x2.add(s1, f64x2.mul(weight, v128.load(panel, 16)));
    s2 = f64x2.add(s2, f64x2.mul(weight, v128.load(panel, 32)));
    s3 = f64x2.add(s3, f64x2.mul(weight, v128.load(panel, 48)));
    panel += 64;
  }
  if (bytes == 64) {
    v128.store(to, s0);
    v128.store(to, s1, 16);
    v128.store(to, s2, 32);
    v128.store(to, s3, 48);
  } else {
    v128.store(panel, s0);
    v128.store(panel, s1, 16);
    v128.store(panel, s2, 32);
    v128.store(panel, s3, 48);
    memory.copy(to, panel, bytes);
  }
}
