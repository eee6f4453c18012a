/**
 * The integer 8×8 DCT of libjpeg ("islow"): Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms with
 * 11 multiplications" (ICASSP 1989), with constants of 13 bits and 2 more bits kept between the passes. Everything fits
 * in 32 bits. Coefficients come out 8 times too large, which the quantization divides away.
 */
const CONSTANT_BITS = 13;
const PASS_BITS = 2;

const fixed = (x: number) => Math.round(x * 2 ** CONSTANT_BITS);
const F_0_298631336 = fixed(0.298631336);
const F_0_390180644 = fixed(0.390180644);
const F_0_541196100 = fixed(0.5411961);
const F_0_765366865 = fixed(0.765366865);
const F_0_899976223 = fixed(0.899976223);
const F_1_175875602 = fixed(1.175875602);
const F_1_501321110 = fixed(1.50132111);
const F_1_847759065 = fixed(1.847759065);
const F_1_961570560 = fixed(1.96157056);
const F_2_053119869 = fixed(2.053119869);
const F_2_562915447 = fixed(2.562915447);
const F_3_072711026 = fixed(3.072711026);

/** Transforms a block of 64 integers in place: rows, then columns. */
export function forwardDct(block: Int32Array): void {
  for (let row = 0; row < 64; row += 8) forwardPass(block, row, 1, PASS_BITS, CONSTANT_BITS - PASS_BITS);
  for (let column = 0; column < 8; column++) forwardPass(block, column, 8, -PASS_BITS, CONSTANT_BITS + PASS_BITS);
}

/** Eight numbers from `at` on; the even ones shift left by `up` (right, rounding, if negative), the odd right by `down`. */
function forwardPass(block: Int32Array, at: number, stride: number, up: number, down: number): void {
  const [i1, i2, i3, i4] = [at + stride, at + 2 * stride, at + 3 * stride, at + 4 * stride];
  const [i5, i6, i7] = [at + 5 * stride, at + 6 * stride, at + 7 * stride];
  const sum07 = block[at] + block[i7];
  const difference07 = block[at] - block[i7];
  const sum16 = block[i1] + block[i6];
  const difference16 = block[i1] - block[i6];
  const sum25 = block[i2] + block[i5];
  const difference25 = block[i2] - block[i5];
  const sum34 = block[i3] + block[i4];
  const difference34 = block[i3] - block[i4];
  const half = 1 << (down - 1);

  const outer = sum07 + sum34;
  const outerDifference = sum07 - sum34;
  const inner = sum16 + sum25;
  const innerDifference = sum16 - sum25;
  const rounding = up < 0 ? 1 << (-up - 1) : 0;
  block[at] = up < 0 ? (outer + inner + rounding) >> -up : (outer + inner) << up;
  block[i4] = up < 0 ? (outer - inner + rounding) >> -up : (outer - inner) << up;
  const even = (innerDifference + outerDifference) * F_0_541196100;
  block[i2] = (even + outerDifference * F_0_765366865 + half) >> down;
  block[i6] = (even - innerDifference * F_1_847759065 + half) >> down;

  const z1 = -(difference34 + difference07) * F_0_899976223;
  const z2 = -(difference25 + difference16) * F_2_562915447;
  const z5 = (difference34 + difference16 + difference25 + difference07) * F_1_175875602;
  const z3 = z5 - (difference34 + difference16) * F_1_961570560;
  const z4 = z5 - (difference25 + difference07) * F_0_390180644;
  block[i7] = (difference34 * F_0_298631336 + z1 + z3 + half) >> down;
  block[i5] = (difference25 * F_2_053119869 + z2 + z4 + half) >> down;
  block[i3] = (difference16 * F_3_072711026 + z2 + z3 + half) >> down;
  block[i1] = (difference07 * F_1_501321110 + z1 + z4 + half) >> down;
}

/** The inverse, in place, of dequantized coefficients: columns, then rows. */
export function inverseDct(block: Int32Array): void {
  for (let column = 0; column < 8; column++) inversePass(block, column, 8, CONSTANT_BITS - PASS_BITS);
  for (let row = 0; row < 64; row += 8) inversePass(block, row, 1, CONSTANT_BITS + PASS_BITS + 3);
}

function inversePass(block: Int32Array, at: number, stride: number, down: number): void {
  const [i1, i2, i3, i4] = [at + stride, at + 2 * stride, at + 3 * stride, at + 4 * stride];
  const [i5, i6, i7] = [at + 5 * stride, at + 6 * stride, at + 7 * stride];
  const c2 = block[i2];
  const c6 = block[i6];
  const even = (c2 + c6) * F_0_541196100;
  const low = even - c6 * F_1_847759065;
  const high = even + c2 * F_0_765366865;
  const sum = (block[at] + block[i4]) << CONSTANT_BITS;
  const difference = (block[at] - block[i4]) << CONSTANT_BITS;
  const half = 1 << (down - 1);
  const e0 = sum + high + half;
  const e3 = sum - high + half;
  const e1 = difference + low + half;
  const e2 = difference - low + half;

  const c1 = block[i1];
  const c3 = block[i3];
  const c5 = block[i5];
  const c7 = block[i7];
  const z1 = -(c7 + c1) * F_0_899976223;
  const z2 = -(c5 + c3) * F_2_562915447;
  const z5 = (c7 + c3 + c5 + c1) * F_1_175875602;
  const z3 = z5 - (c7 + c3) * F_1_961570560;
  const z4 = z5 - (c5 + c1) * F_0_390180644;
  const o0 = c7 * F_0_298631336 + z1 + z3;
  const o1 = c5 * F_2_053119869 + z2 + z4;
  const o2 = c3 * F_3_072711026 + z2 + z3;
  const o3 = c1 * F_1_501321110 + z1 + z4;
  block[at] = (e0 + o3) >> down;
  block[i7] = (e0 - o3) >> down;
  block[i1] = (e1 + o2) >> down;
  block[i6] = (e1 - o2) >> down;
  block[i2] = (e2 + o1) >> down;
  block[i5] = (e2 - o1) >> down;
  block[i3] = (e3 + o0) >> down;
  block[i4] = (e3 - o0) >> down;
}
