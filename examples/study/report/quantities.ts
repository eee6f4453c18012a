import { MEASURE_IDS, type SearchName } from '@qgen/measures';
import type { TrialResult } from '../folder/result';
import { FLOAT } from '../plan/setting';
import type { Quantity } from './pairing';

/** A quantity of a trained network under the name that tables give it. */
export interface NamedQuantity {
  readonly title: string;
  readonly of: Quantity;
  /** Which way is better, or flatter; null where neither is. */
  readonly better: 'smaller' | 'larger' | null;
}

export const GAP: NamedQuantity = { title: 'gap', of: ({ numbers }) => numbers!.gap.loss, better: 'smaller' };

/** Of the gap table. */
export const LOSSES: readonly NamedQuantity[] = [
  { title: 'train loss', of: ({ numbers }) => numbers!.train.loss, better: 'smaller' },
  { title: 'test loss', of: ({ numbers }) => numbers!.test.loss, better: 'smaller' },
  { title: 'train accuracy', of: ({ numbers }) => numbers!.train.accuracy, better: 'larger' },
  { title: 'test accuracy', of: ({ numbers }) => numbers!.test.accuracy, better: 'larger' },
  GAP,
];

export const WEIGHT_NORM: NamedQuantity = { title: '‖ŵ‖₂', of: ({ numbers }) => numbers!.weightNorm, better: null };

const SCALE_NAMES: Readonly<Record<SearchName, string>> = {
  sigma: 'σ',
  sigmaMagnitude: 'σ′',
  alpha: 'α',
  alphaMagnitude: 'α′',
};

/** What a search that ended without an estimate found is no number to average. */
const USABLE = ['converged', 'budget'];

const scaleOf = (name: SearchName, view: 'flatness' | 'latent') => (result: TrialResult) => {
  const scale = result.numbers![result.bits === FLOAT ? 'flatness' : view]?.scales[name];
  return scale && USABLE.includes(scale.status) ? scale.value : null;
};

/** ln of a scale: its differences are relative ones. In the latent view the float network is what it is in the other. */
export const lnScale = (name: SearchName, view: 'flatness' | 'latent'): Quantity => {
  const scale = scaleOf(name, view);
  return (result) => {
    const value = scale(result);
    return value === null ? null : Math.log(value);
  };
};

export const SCALES: readonly NamedQuantity[] = [
  ...(['sigma', 'sigmaMagnitude', 'alpha', 'alphaMagnitude'] as const).map((name) => ({
    title: SCALE_NAMES[name],
    of: scaleOf(name, 'flatness'),
    better: 'larger' as const,
  })),
  ...(['sigma', 'sigmaMagnitude'] as const).map((name) => ({
    title: `${SCALE_NAMES[name]} latent`,
    of: scaleOf(name, 'latent'),
    better: 'larger' as const,
  })),
];

const measuresIn = (dialect: 'measures' | 'consistent'): readonly NamedQuantity[] =>
  MEASURE_IDS.filter((id) => !id.endsWith('.flatness')).map((id) => ({
    title: id,
    of: ({ numbers }: TrialResult) => numbers!.flatness?.[dialect][id]?.normalized ?? null,
    better: 'smaller' as const,
  }));

/** The eight measures of the paper's flatness table: √(μ/m). */
export const MEASURES = measuresIn('measures');
/** The same in the dialect `consistent`. */
export const CONSISTENT_MEASURES = measuresIn('consistent');

/** Of the mean over all distortions and severities. */
export const DISTORTED_GAP: NamedQuantity = {
  title: 'gap on distorted images',
  of: ({ numbers }) => {
    const cells = numbers!.distorted;
    return cells?.length ? cells.reduce((sum, { gap }) => sum + gap, 0) / cells.length : null;
  },
  better: 'smaller',
};

/** The quantities that some result holds. */
export function present(
  results: readonly TrialResult[],
  quantities: readonly NamedQuantity[],
): readonly NamedQuantity[] {
  const latent = results.some(({ numbers }) => numbers?.latent);
  return quantities.filter(
    ({ of, title }) =>
      (latent || !title.endsWith('latent')) &&
      results.some((result) => result.numbers && Number.isFinite(of(result) ?? Number.NaN)),
  );
}
