import { requireKnownOptions, requireOneOf, shown, sumOf } from '@qgen/core';
import { requireSnapshot, type SavedParameter, type Snapshot } from '../subject/snapshot';

/** The plane of most of a training run, for `lossLandscape`. */
export interface Trajectory {
  /** Two orthogonal unit directions over the kernels (or all parameters), batch normalization folded. */
  readonly directions: readonly [Float32Array, Float32Array];
  /** Where each checkpoint lies in their plane, measured from the last one, which is [0, 0]. */
  readonly path: readonly (readonly [number, number])[];
  /** The share of the variance of the path along each direction; NaN for a run that did not move. */
  readonly explained: readonly [number, number];
}

/**
 * The two principal components of a training run (Li et al. 2018, section 7.2): PCA of `theta_i - theta_n` over the
 * checkpoints i. Draw the loss around the last of them with `lossLandscape(model, data, { dimensions: 2,
 * normalization: 'none', directions, x, y })` and the run as `path`. A run along a line has a second direction of zeros.
 *
 * @throws RangeError for fewer than three checkpoints, checkpoints that differ in their parameters or hold NaN or infinite
 * weights, a scope without parameters, an unknown option; TypeError for a checkpoint that is no snapshot
 */
export function trajectory(
  checkpoints: readonly Snapshot[],
  options: { readonly scope?: 'weights' | 'all' } = {},
): Trajectory {
  requireKnownOptions('trajectory', options, ['scope']);
  const { scope = 'weights' } = options;
  requireOneOf('trajectory', 'scope', scope, ['weights', 'all']);
  if (!Array.isArray(checkpoints))
    throw new TypeError(`trajectory: checkpoints must be an array of snapshots, got ${shown(checkpoints)}`);
  for (const [i, checkpoint] of checkpoints.entries()) requireSnapshot(checkpoint, `checkpoint ${i}`, 'trajectory');
  if (checkpoints.length < 3)
    throw new RangeError(`trajectory: a plane needs three checkpoints or more, got ${checkpoints.length}`);
  const thetas = checkpoints.map(({ folded }) => flatten(folded, scope));
  const last = thetas[thetas.length - 1];
  const wrong = thetas.findIndex((theta) => theta.length !== last.length);
  if (wrong >= 0)
    throw new RangeError(
      `trajectory: all checkpoints must have the same parameters, number ${wrong} has ${thetas[wrong].length} entries and the last one ${last.length}`,
    );
  if (last.length === 0)
    throw new RangeError(`trajectory: the checkpoints have no parameter in scope '${scope}'; try scope: 'all'`);
  for (const [i, theta] of thetas.entries())
    if (!theta.every(Number.isFinite))
      throw new RangeError(
        `trajectory: weights must be finite, those of checkpoint ${i} are not; leave that checkpoint out`,
      );
  const n = thetas.length;
  const omega = last.length;
  const centre = Float64Array.from(last, (_, k) => sumOf(n, (i) => thetas[i][k]) / n);
  const rows = thetas.map((theta) => Float64Array.from(theta, (value, k) => value - centre[k]));
  // The eigenvectors of the small matrix of inner products give those of the covariance.
  const gram = rows.map((a) => rows.map((b) => sumOf(omega, (k) => a[k] * b[k])));
  const total = sumOf(n, (i) => gram[i][i]);
  const { values, vectors } = symmetricEigen(gram);
  const direction = (component: number): Float32Array => {
    const share = values[component] / total;
    if (!(share > 1e-12)) return new Float32Array(omega);
    const scale = 1 / Math.sqrt(values[component]);
    return Float32Array.from({ length: omega }, (_, k) => scale * sumOf(n, (i) => vectors[i][component] * rows[i][k]));
  };
  const directions = [direction(0), direction(1)] as const;
  const along = (theta: ArrayLike<number>, d: Float32Array) => sumOf(omega, (k) => (theta[k] - last[k]) * d[k]);
  return {
    directions,
    path: thetas.map((theta) => [along(theta, directions[0]), along(theta, directions[1])] as const),
    explained: [values[0] / total, Math.max(0, values[1]) / total],
  };
}

function flatten(parameters: readonly SavedParameter[], scope: 'weights' | 'all'): Float32Array {
  const chosen = parameters.filter(({ role }) => role !== 'step' && (scope === 'all' || role === 'kernel'));
  const flat = new Float32Array(chosen.reduce((sum, { values }) => sum + values.length, 0));
  let offset = 0;
  for (const { values } of chosen) {
    flat.set(values, offset);
    offset += values.length;
  }
  return flat;
}

/** Eigenvalues, largest first, and eigenvectors in columns of a small symmetric matrix, by cyclic Jacobi rotations. */
function symmetricEigen(matrix: readonly (readonly number[])[]): { values: number[]; vectors: number[][] } {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const v = matrix.map((_, i) => matrix.map((_, j) => (i === j ? 1 : 0)));
  const rotate = (rows: number[][], p: number, q: number, [c, s]: readonly [number, number]) => {
    for (const row of rows) [row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]];
  };
  const size = sumOf(n, (i) => Math.abs(a[i][i]));
  for (let sweep = 0; sweep < 30; sweep++) {
    let largest = 0;
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        const off = a[p][q];
        largest = Math.max(largest, Math.abs(off));
        if (off === 0) continue;
        const half = (a[q][q] - a[p][p]) / (2 * off);
        const t = (half < 0 ? -1 : 1) / (Math.abs(half) + Math.hypot(half, 1));
        const c = 1 / Math.hypot(t, 1);
        const angle = [c, t * c] as const;
        rotate(a, p, q, angle);
        const [rowP, rowQ] = [a[p], a[q]];
        a[p] = rowP.map((value, k) => c * value - t * c * rowQ[k]);
        a[q] = rowP.map((value, k) => t * c * value + c * rowQ[k]);
        rotate(v, p, q, angle);
      }
    if (!(largest > 1e-15 * size)) break;
  }
  const order = a.map((_, i) => i).sort((i, j) => a[j][j] - a[i][i]);
  return { values: order.map((i) => a[i][i]), vectors: v.map((row) => order.map((i) => row[i])) };
}
