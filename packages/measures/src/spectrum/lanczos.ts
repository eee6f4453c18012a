import { philoxNormals } from '@qgen/core';
import { type TridiagonalSpectrum, tridiagonalSpectrum } from './tridiagonal';

export interface LanczosState {
  /** The Ritz values, largest first, with the ends of the eigenvectors of the tridiagonal matrix. */
  readonly spectrum: TridiagonalSpectrum;
  /** |A y - theta y| for each Ritz pair: some eigenvalue of A lies within that distance of theta. */
  readonly residuals: Float64Array;
  /** The number of products A v so far. */
  readonly steps: number;
}

export interface LanczosOptions {
  readonly dimension: number;
  readonly maxSteps: number;
  readonly seed: number;
  /** Asked after every product. */
  readonly done: (state: LanczosState) => boolean;
}

/** Above this the basis is stored in float32, which bounds the relative accuracy by about 1e-7 and halves the memory. */
const LARGE = 2 ** 20;

/**
 * Lanczos iterations with full reorthogonalization for a symmetric operator A, from a random unit vector. The generator
 * yields a vector v and takes A v in return, so that A may be computed synchronously or not:
 * `for (let next = it.next(); !next.done; next = it.next(apply(next.value)));`
 * A single start finds one copy of a repeated eigenvalue, unless the invariant subspace is used up first: then it goes
 * on from a new random vector. Ends when `done` says so, after `maxSteps`, or when the whole space is spanned.
 */
export function* lanczos(options: LanczosOptions): Generator<Float64Array, LanczosState, ArrayLike<number>> {
  const { dimension, maxSteps, seed, done } = options;
  const diagonal: number[] = [];
  const offDiagonal: number[] = [];
  const basis: (Float32Array | Float64Array)[] = [];
  let state: LanczosState = { spectrum: tridiagonalSpectrum([], []), residuals: new Float64Array(0), steps: 0 };

  let next = randomUnit(dimension, seed, 0, basis);
  while (next && basis.length < maxSteps) {
    basis.push(dimension > LARGE ? Float32Array.from(next) : next);
    const product = Float64Array.from(yield next);
    diagonal.push(dot(product, next));
    orthogonalize(product, basis);
    const norm = Math.sqrt(dot(product, product));

    const spectrum = tridiagonalSpectrum(diagonal, offDiagonal);
    const residuals = spectrum.last.map((component) => Math.abs(norm * component));
    state = { spectrum, residuals, steps: basis.length };
    if (done(state)) break;

    const scale = Math.max(Math.abs(spectrum.values[0]), Math.abs(spectrum.values[basis.length - 1]));
    if (norm > 1e-12 * scale) {
      offDiagonal.push(norm);
      next = product.map((component) => component / norm);
    } else {
      offDiagonal.push(0);
      next = randomUnit(dimension, seed, basis.length, basis);
    }
  }
  return state;
}

/** A random unit vector orthogonal to the basis, or undefined when the basis spans the space. */
function randomUnit(
  dimension: number,
  seed: number,
  stream: number,
  basis: readonly ArrayLike<number>[],
): Float64Array | undefined {
  if (basis.length >= dimension) return undefined;
  const vector = Float64Array.from(philoxNormals(dimension, { seed, stream }));
  orthogonalize(vector, basis);
  const norm = Math.sqrt(dot(vector, vector));
  return vector.map((component) => component / norm);
}

/** Gram-Schmidt, twice: once leaves a rest of the size of the rounding times the cancellation. */
function orthogonalize(vector: Float64Array, basis: readonly ArrayLike<number>[]): void {
  for (let pass = 0; pass < 2; pass++)
    for (const direction of basis) {
      const overlap = dot(vector, direction);
      for (let i = 0; i < vector.length; i++) vector[i] -= overlap * direction[i];
    }
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
