import { lanczos } from './lanczos';

/**
 * The largest singular value of a real matrix of shape [rows, columns], row-major, in float64: the root of the largest
 * eigenvalue of M^T M or M M^T, whichever is smaller, by Lanczos iterations. Relative accuracy 1e-8 and better.
 * 0 for an empty or a zero matrix; NaN if an entry is. Yields after every product.
 */
export function spectralNorm(
  matrix: ArrayLike<number>,
  [rows, columns]: readonly [number, number],
): Generator<void, number, void> {
  const wide = columns > rows;
  return gramNormSteps(wide ? rows : columns, (v) =>
    wide
      ? multiply(matrix, columns, multiplyTransposed(matrix, columns, v))
      : multiplyTransposed(matrix, columns, multiply(matrix, columns, v)),
  );
}

/** The root of the largest eigenvalue of a positive semidefinite operator. */
export function gramNorm(dimension: number, apply: (v: Float64Array) => Float64Array): number {
  const steps = gramNormSteps(dimension, apply);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** The value that a computation ends in, with a checkpoint after each of its steps. */
export async function inSteps<Value>(
  steps: Generator<unknown, Value, void>,
  checkpoint: () => Promise<void>,
): Promise<Value> {
  let step = steps.next();
  for (; !step.done; step = steps.next()) await checkpoint();
  return step.value;
}

function* gramNormSteps(dimension: number, apply: (v: Float64Array) => Float64Array): Generator<void, number, void> {
  const iterations = lanczos({
    dimension,
    maxSteps: 300,
    seed: 0,
    done: ({ spectrum, residuals }) => !(residuals[0] > 1e-8 * spectrum.values[0]),
  });
  let step = iterations.next();
  while (!step.done) {
    step = iterations.next(apply(step.value));
    yield;
  }
  return Math.sqrt(Math.max(0, step.value.spectrum.values[0] ?? 0));
}

function multiply(matrix: ArrayLike<number>, columns: number, v: Float64Array): Float64Array {
  const product = new Float64Array(matrix.length / columns);
  for (let row = 0, k = 0; row < product.length; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += matrix[k++] * v[column];
    product[row] = sum;
  }
  return product;
}

function multiplyTransposed(matrix: ArrayLike<number>, columns: number, v: Float64Array): Float64Array {
  const product = new Float64Array(columns);
  for (let row = 0, k = 0; row < v.length; row++)
    for (let column = 0; column < columns; column++) product[column] += matrix[k++] * v[row];
  return product;
}
