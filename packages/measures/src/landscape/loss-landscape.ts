import {
  type BatchProgress,
  type Data,
  LONG_WORK_OPTIONS,
  type LongWork,
  requireCounts,
  requireKnownOptions,
  requireOneOf,
  requireSeed,
  shown,
  startCountedWork,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Displacement, displace, normOf } from '../perturbation/displacement';
import { dimensionOf, toDisplacement } from '../perturbation/flatten';
import { randomDirection } from '../perturbation/random-direction';
import { evaluate } from '../subject/evaluate';
import { openExamples } from '../subject/open-examples';
import { type OpenModel, openModel } from '../subject/open-model';
import { type MeasuredOn, measuredOn, type OpenModelOptions, SUBJECT_OPTIONS } from '../subject/options';
import type { ModelLike } from '../subject/parameters';
import { type DirectionNormalization, normalizeDirection } from './filter-normalization';

/** Loss and accuracy at w + x d1 for one x, or at w + x d1 + y d2 for one x and every y. */
export interface LandscapeRow {
  /** The place of `x` among the coordinates. */
  readonly index: number;
  readonly x: number;
  /** One entry for a line, one for each y for a plane. */
  readonly loss: readonly number[];
  readonly accuracy: readonly number[];
}

export interface LossLandscapeOptions extends OpenModelOptions, LongWork<BatchProgress> {
  readonly dimensions?: 1 | 2;
  /** Coordinates along the first and, of two `dimensions`, the second direction; 21 from -1 to 1 unless said. */
  readonly x?: readonly number[];
  readonly y?: readonly number[];
  readonly normalization?: DirectionNormalization;
  /** Directions in place of random ones, each over the flattened parameters in scope; they are normalized too. */
  readonly directions?: readonly ArrayLike<number>[];
  readonly seed?: number;
  readonly batchSize?: number;
  /** Called with every row as soon as it is known. */
  readonly onRow?: (row: LandscapeRow) => void;
}

const OPTIONS = [
  ...SUBJECT_OPTIONS,
  ...LONG_WORK_OPTIONS,
  'dimensions',
  'x',
  'normalization',
  'directions',
  'seed',
  'batchSize',
  'onRow',
] as const satisfies readonly (keyof LossLandscapeOptions)[];

interface Landscape extends MeasuredOn {
  readonly x: readonly number[];
  /** |d| of every direction after normalization. */
  readonly lengths: readonly number[];
  readonly normalization: DirectionNormalization;
  /** The seed of the directions; null where they were given. */
  readonly seed: number | null;
  readonly examples: number;
}

export interface LossLine extends Landscape {
  /** loss[i] at w + x[i] d */
  readonly loss: readonly number[];
  readonly accuracy: readonly number[];
}

export interface LossPlane extends Landscape {
  readonly y: readonly number[];
  /** loss[i][j] at w + x[i] d1 + y[j] d2 */
  readonly loss: readonly (readonly number[])[];
  readonly accuracy: readonly (readonly number[])[];
  /** The cosine of the angle between the two directions, which are not made orthogonal. */
  readonly cosine: number;
}

/**
 * Loss and accuracy along one random direction or over the plane of two (Li et al. 2018, eq. 1), scaled to the weights
 * by filter unless said otherwise, in inference mode. A slower rise on both sides of 0 is flatter. The loss is that of
 * `OutputKind`; of a regression accuracies are NaN.
 * The same seed gives the same directions to every model of one architecture. Cost: a pass over the data for every point.
 *
 * Until the promise settles the model's weights are those of some point of the landscape: whatever it predicts meanwhile
 * is the prediction of a perturbed model. (So it is with every function here that perturbs.)
 *
 * @throws RangeError if a direction has not as many entries as there are parameters in scope, or their number is not
 * `dimensions`, and for an option that is unknown or out of range; the data's and the model's errors; `signal.reason` when
 * aborted
 */
export function lossLandscape(
  model: ModelLike,
  data: Data,
  options: LossLandscapeOptions & { readonly dimensions: 2 },
): Promise<LossPlane>;
export function lossLandscape(
  model: ModelLike,
  data: Data,
  options?: LossLandscapeOptions & { readonly dimensions?: 1 },
): Promise<LossLine>;
export async function lossLandscape(
  model: ModelLike,
  data: Data,
  options: LossLandscapeOptions = {},
): Promise<LossLine | LossPlane> {
  const { dimensions, x, y, normalization, seed, batchSize } = checkedOptions(options);
  const subject = openModel(model, options, 'lossLandscape', 'any');
  let directions: Displacement[] = [];
  try {
    const examples = await openExamples(subject, data, 'lossLandscape');
    directions = chooseDirections(subject, { ...options, dimensions, seed }).map((raw) => {
      const normalized = normalizeDirection(subject, raw, normalization);
      tf.dispose([...raw]);
      return normalized;
    });
    const lengths: number[] = [];
    for (const direction of directions) lengths.push(await normOf(direction));
    const work = startCountedWork(options, x.length * y.length * Math.ceil(examples.size / batchSize));

    const rows: LandscapeRow[] = [];
    for (const [index, at] of x.entries()) {
      const loss: number[] = [];
      const accuracy: number[] = [];
      for (const across of y) {
        displace(subject, directions, [at, across]);
        const here = await evaluate(subject, examples, { batchSize, work }, 'lossLandscape');
        loss.push(here.loss);
        accuracy.push(here.accuracy);
      }
      const row = { index, x: at, loss, accuracy };
      rows.push(row);
      options.onRow?.(row);
    }
    const made = { seed: options.directions ? null : seed, ...measuredOn(subject) };
    const landscape = { x, lengths, normalization, examples: examples.size, ...made };
    const loss = rows.map((row) => row.loss);
    const accuracy = rows.map((row) => row.accuracy);
    if (dimensions === 1) return { ...landscape, loss: loss.flat(), accuracy: accuracy.flat() };
    const cosine = (await innerProduct(directions[0], directions[1])) / (lengths[0] * lengths[1]);
    return { ...landscape, y, loss, accuracy, cosine };
  } finally {
    tf.dispose(directions.flat());
    subject.close();
  }
}

const EVENLY: readonly number[] = Array.from({ length: 21 }, (_, i) => (i - 10) / 10);

function checkedOptions(options: LossLandscapeOptions) {
  const caller = 'lossLandscape';
  const { dimensions = 1, x = EVENLY, normalization = 'filter', seed = 0, batchSize = 256, directions } = options ?? {};
  if (dimensions !== 1 && dimensions !== 2)
    throw new RangeError(`${caller}: dimensions must be 1 or 2, got ${shown(dimensions)}`);
  if (dimensions === 2) requireKnownOptions(caller, options, [...OPTIONS, 'y']);
  else requireKnownOptions(caller, options, OPTIONS, { y: 'dimensions: 2' });
  const y = dimensions === 2 ? (options.y ?? EVENLY) : [0];
  for (const [name, values] of Object.entries({ x, y }))
    if (!Array.isArray(values) || !values.every(Number.isFinite))
      throw new TypeError(`${caller}: ${name} must be an array of finite coordinates, got ${listed(values)}`);
  requireOneOf(caller, 'normalization', normalization, ['filter', 'layer', 'weight', 'none']);
  requireSeed(caller, seed);
  requireCounts(caller, { batchSize });
  if (directions !== undefined && !Array.isArray(directions))
    throw new TypeError(
      `${caller}: directions must be an array of one or two flat directions, got ${shown(directions)}`,
    );
  return { dimensions, x, y, normalization, seed, batchSize };
}

function listed(values: unknown): string {
  return Array.isArray(values) ? `[${values.map(shown).join(', ')}]` : shown(values);
}

function chooseDirections(
  subject: OpenModel,
  { dimensions, directions, seed }: Pick<LossLandscapeOptions, 'directions'> & { dimensions: number; seed: number },
): Displacement[] {
  if (!directions)
    return Array.from({ length: dimensions }, (_, draw) => randomDirection(subject, { seed, draw, law: 'normal' }));
  if (directions.length !== dimensions)
    throw new RangeError(`lossLandscape: ${dimensions} dimensions need as many directions, got ${directions.length}`);
  const size = dimensionOf(subject);
  return directions.map((flat) => {
    if (flat?.length !== size)
      throw new RangeError(
        `lossLandscape: a direction must have ${size} entries, one for each parameter in scope, got ${flat?.length}`,
      );
    const wrong = Array.prototype.findIndex.call(flat, (entry) => !Number.isFinite(entry));
    if (wrong >= 0) throw new RangeError(`lossLandscape: a direction must be finite, entry ${wrong} is ${flat[wrong]}`);
    return toDisplacement(subject, flat);
  });
}

async function innerProduct(a: Displacement, b: Displacement): Promise<number> {
  const products = tf.tidy(() => tf.stack(a.map((part, i) => tf.sum(tf.mul(part, b[i])))));
  const values = await products.data<'float32'>().finally(() => products.dispose());
  return values.reduce((sum, value) => sum + value, 0);
}
