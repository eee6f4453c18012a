import { goldenJson } from '../../../../test/goldens';

/** The pool of 72 models (4 learning rates, 3 widths, 3 bit widths, 2 seeds) of `goldens/measures/ranking.json`. */
export const COLUMNS = ['good', 'noisy', 'ties', 'inverted', 'random'] as const;
type Column = (typeof COLUMNS)[number];

export type Ranking = {
  rows: ({ hp: Record<'lr' | 'width' | 'bits' | 'seed', number>; gap: number } & Record<Column, number>)[];
  expected: Record<
    Column,
    {
      tau_a: number;
      tau_b: number;
      granulated: { psi: Record<string, number>; Psi: number };
      granulated_with_seed_axis: { psi: Record<string, number>; Psi: number };
      cmi: { by_condition: Record<string, number>; K: number };
      sign_error: Record<
        string,
        {
          n_env: number;
          mean: number | null;
          p90: number | null;
          max: number | null;
          mean_by_axis: Record<string, number | null>;
        }
      >;
    }
  >;
};

export const referencePool = async (): Promise<Ranking> => (await goldenJson<Ranking>('measures/ranking.json'))!;
