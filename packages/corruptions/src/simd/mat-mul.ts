// AssemblyScript.

/** c = a b for m × k and k × n matrices of f64; every sum from the first product to the last. */
export function matMul(a: usize, b: usize, c: usize, m: u32, n: u32, k: u32): void {
  const rowBytes = <usize>n << 3;
  const whole = rowBytes & ~63;
  for (let i: u32 = 0; i < m; i++) {
    const end = a + (<usize>k << 3);
    for (let column: usize = 0; column < whole; column += 64) {
      let s0 = f64x2.splat(0);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      let from = b + column;
      for (let at = a; at < end; at += 8) {
        const weight = v128.load64_splat(at);
        s0 = f64x2.add(s0, f64x2.mul(weight, v128.load(from)));
        s1 = f64x2.add(s1, f64x2.mul(weight, v128.load(from, 16)));
        s2 = f64x2.add(s2, f64x2.mul(weight, v128.load(from, 32)));
        s3 = f64x2.add(s3, f64x2.mul(weight, v128.load(from, 48)));
        from += rowBytes;
      }
      v128.store(c + column, s0);
      v128.store(c + column, s1, 16);
      v128.store(c + column, s2, 32);
      v128.store(c + column, s3, 48);
    }
    for (let column = whole; column < rowBytes; column += 8) {
      let sum: f64 = 0;
      let from = b + column;
      for (let at = a; at < end; at += 8) {
        sum += load<f64>(at) * load<f64>(from);
        from += rowBytes;
      }
      store<f64>(c + column, sum);
    }
    a = end;
    c += rowBytes;
  }
}
