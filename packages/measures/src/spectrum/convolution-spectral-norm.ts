import { gramNorm } from './spectral-norm';

/**
 * The largest singular value of a circular convolution with stride 1 as a linear map of [height, width, in] images,
 * exactly: the convolution is diagonal in the frequencies (u, v), and each block is the in x out matrix
 * `Σ_{a,b} K[a,b] exp(-2 pi i (u a / height + v b / width))`; the norm is the largest among the blocks' norms (Sedghi,
 * Gupta and Long 2019, theorem 6). Padding with zeros instead of wrapping around, and a stride, are ignored, as in the
 * measures that use it. Yields after every row of frequencies with the share of the work that is done.
 */
export function* convolutionSpectralNorm(
  kernel: ArrayLike<number>,
  [kernelHeight, kernelWidth, inputs, outputs]: readonly [number, number, number, number],
  [height, width]: readonly [number, number],
): Generator<number, number, void> {
  const block = inputs * outputs;
  const real = new Float64Array(block);
  const imaginary = new Float64Array(block);
  let largest = 0;
  // The kernel is real: the block at (-u, -v) is the conjugate of the one at (u, v) and has the same norm.
  const rows = Math.floor(height / 2) + 1;
  for (let u = 0; u < rows; u++) {
    const ownConjugate = u === 0 || 2 * u === height;
    const columns = ownConjugate ? Math.floor(width / 2) + 1 : width;
    for (let v = 0; v < columns; v++) {
      real.fill(0);
      imaginary.fill(0);
      for (let a = 0, tap = 0; a < kernelHeight; a++)
        for (let b = 0; b < kernelWidth; b++, tap += block) {
          const angle = -2 * Math.PI * ((u * a) / height + (v * b) / width);
          const cosine = Math.cos(angle);
          const sine = Math.sin(angle);
          for (let k = 0; k < block; k++) {
            real[k] += cosine * kernel[tap + k];
            imaginary[k] += sine * kernel[tap + k];
          }
        }
      largest = Math.max(largest, complexNorm(real, imaginary, inputs, outputs));
    }
    yield (u + 1) / rows;
  }
  return largest;
}

/** The largest singular value of R + i I, of shape [rows, columns]. */
function complexNorm(real: Float64Array, imaginary: Float64Array, rows: number, columns: number): number {
  // A complex vector x + i y is kept as (x, y). The Gram matrix then has every eigenvalue twice, which does no harm.
  return gramNorm(2 * columns, (vector) => {
    const product = new Float64Array(2 * columns);
    for (let row = 0, k = 0; row < rows; row++, k += columns) {
      let x = 0;
      let y = 0;
      for (let column = 0; column < columns; column++) {
        const r = real[k + column];
        const i = imaginary[k + column];
        x += r * vector[column] - i * vector[columns + column];
        y += r * vector[columns + column] + i * vector[column];
      }
      for (let column = 0; column < columns; column++) {
        const r = real[k + column];
        const i = imaginary[k + column];
        product[column] += r * x + i * y;
        product[columns + column] += r * y - i * x;
      }
    }
    return product;
  });
}
