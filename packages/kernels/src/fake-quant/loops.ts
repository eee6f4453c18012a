import type { FakeQuantAttributes } from './attributes';

/** A fake quantization of one tensor, seen as [outer, channels, inner]: element (o, c, i) has the step of channel c. */
export interface Quantizer {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
  readonly qn: number;
  readonly qp: number;
  /** The gradient passes where low < z < high. */
  readonly low: number;
  readonly high: number;
}

export function quantizer(
  shape: readonly number[],
  { qn, qp, axis = null, boundary = 'strict' }: FakeQuantAttributes,
): Quantizer {
  const size = (dimensions: readonly number[]) => dimensions.reduce((product, dimension) => product * dimension, 1);
  return {
    outer: axis === null ? 1 : size(shape.slice(0, axis)),
    channels: axis === null ? 1 : shape[axis],
    inner: axis === null ? size(shape) : size(shape.slice(axis + 1)),
    // Adding zero makes a negative zero positive.
    qn: qn + 0,
    qp: qp + 0,
    // qn <= z is nextBelow(qn) < z for a float32 z.
    low: boundary === 'strict' ? qn : -nextAbove(Math.abs(qn)),
    high: boundary === 'strict' ? qp : nextAbove(qp),
  };
}

/** The smallest float32 above a non-negative one. */
function nextAbove(value: number): number {
  const bits = new Int32Array(1);
  const float = new Float32Array(bits.buffer);
  float[0] = value;
  bits[0] = bits[0] + 1;
  return float[0];
}

/** Added to and taken from a float64 of magnitude below 2^51, it rounds that to an integer, half to even. */
const ROUNDING = 1.5 * 2 ** 52;

function code(z: number, qn: number, qp: number): number {
  let clipped = z;
  if (z > qp) clipped = qp;
  else if (z < qn) clipped = qn;
  const rounded = clipped + ROUNDING - ROUNDING;
  // The sum lost the sign of a zero.
  return rounded === 0 ? clipped * 0 : rounded;
}

const effective = (step: number): number => Math.max(Math.abs(step), SMALLEST);
const SMALLEST = Math.fround(1e-8);

/** The definition over typed arrays, each operation rounded to float32. */
export function forwardLoop(x: Float32Array, step: Float32Array, y: Float32Array, quantizer: Quantizer): void {
  const { outer, channels, inner, qn, qp } = quantizer;
  let i = 0;
  for (let o = 0; o < outer; o++)
    for (let c = 0; c < channels; c++) {
      const scale = effective(step[c]);
      for (const end = i + inner; i < end; i++) y[i] = code(Math.fround(x[i] / scale), qn, qp) * scale;
    }
}

/** As `forwardLoop`, for the gradients; terms are rounded to float32 and summed in float64. */
export function backwardLoop(
  dy: Float32Array,
  x: Float32Array,
  step: Float32Array,
  dx: Float32Array,
  dStep: Float32Array,
  { outer, channels, inner, qn, qp, low, high }: Quantizer,
  gradientScale: number,
): void {
  const sums = new Float64Array(channels);
  let i = 0;
  for (let o = 0; o < outer; o++)
    for (let c = 0; c < channels; c++) {
      const scale = effective(step[c]);
      let sum = 0;
      for (const end = i + inner; i < end; i++) {
        const z = Math.fround(x[i] / scale);
        const inside = z > low && z < high;
        const q = code(z, qn, qp);
        dx[i] = dy[i] * (inside ? 1 : 0);
        sum += Math.fround(dy[i] * (inside ? Math.fround(q - z) : q));
      }
      sums[c] = sums[c] + sum;
    }
  for (let c = 0; c < channels; c++) dStep[c] = sums[c] * Math.sign(step[c]) * gradientScale;
}
