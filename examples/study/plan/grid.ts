import type { Measuring } from './measuring';
import type { Setting, Trial } from './setting';

/** A block of trials: `base` with every combination of what varies, at these seeds. */
export interface Stage {
  /** One list for each axis: what its levels change in `base`. */
  readonly vary: readonly (readonly Partial<Setting>[])[];
  readonly seeds: readonly number[];
}

/** The trials of a study. Stages are computed one after another, so that the first ones are a study of their own. */
export interface Grid {
  readonly name: string;
  /** Where its numbers come from. */
  readonly source: string;
  readonly base: Setting;
  readonly stages: readonly Stage[];
  readonly bits: readonly number[];
  /** Examples used of each split; null for all. */
  readonly train: number | null;
  readonly test: number | null;
  /** The network sees means of squares of this side: 1 for the images as they are. */
  readonly downsample: number;
  readonly measuring: Measuring;
}

/** Every trial once, stage by stage; within a stage seed by seed, and the precisions of a setting one after another. */
export function trialsOf({ base, stages, bits }: Grid): readonly Trial[] {
  const trials = new Map<string, Trial>();
  for (const { vary, seeds } of stages)
    for (const seed of seeds)
      for (const changes of combinations(vary))
        for (const b of bits) {
          const trial: Trial = { setting: Object.assign({}, base, ...changes), seed, bits: b };
          const key = JSON.stringify(trial);
          if (!trials.has(key)) trials.set(key, trial);
        }
  return [...trials.values()];
}

/** Every choice of one element from each list, the last list fastest. */
function combinations<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((found, list) => found.flatMap((chosen) => list.map((each) => [...chosen, each])), [[]]);
}
