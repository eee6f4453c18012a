import { mean, meanInterval, studentFactor } from '@qgen/core';
import type { TrialResult } from '../folder/result';
import { FLOAT } from '../plan/setting';

/** A value of every precision of one setting, or of one seed where there is one setting. */
export interface Unit {
  readonly name: string;
  readonly values: ReadonlyMap<number, number>;
}

/** The mean difference of a precision from the reference over trainings, with Student's 95 % interval. */
export interface PairedDifference {
  readonly bits: number;
  readonly mean: number;
  /** Null of fewer than two trainings. */
  readonly interval: readonly [number, number] | null;
  readonly n: number;
  /** 1 or −1 where the interval leaves out 0, else 0. */
  readonly sign: -1 | 0 | 1;
}

export interface MeanOfPrecision {
  readonly bits: number;
  readonly mean: number;
  readonly interval: readonly [number, number] | null;
  readonly n: number;
}

/** A number of a trained network; null where it isn't known. */
export type Quantity = (result: TrialResult) => number | null | undefined;

/** The precision that the others are compared with: float, else the widest. */
export function referenceBits(results: readonly TrialResult[]): number {
  const bits = results.map((result) => result.bits);
  return bits.includes(FLOAT) ? FLOAT : Math.max(...bits);
}

export function precisionsOf(results: readonly TrialResult[]): readonly number[] {
  return [...new Set(results.map(({ bits }) => bits))].sort((a, b) => b - a);
}

/**
 * What trainings say of a quantity. Trainings that differ in the seed alone are averaged where there are several settings: the
 * settings are then the units, and the interval is over settings as the grid has them. With one setting the units are seeds.
 */
export function unitsOf(results: readonly TrialResult[], quantity: Quantity): readonly Unit[] {
  const settings = new Set(results.map(({ setting }) => JSON.stringify(setting)));
  const groups = new Map<string, Map<number, number[]>>();
  for (const result of results) {
    const value = result.numbers ? quantity(result) : null;
    if (value === null || value === undefined || !Number.isFinite(value)) continue;
    const key = settings.size > 1 ? JSON.stringify(result.setting) : `seed ${result.seed}`;
    const group = groups.get(key) ?? new Map<number, number[]>();
    groups.set(key, group);
    group.set(result.bits, [...(group.get(result.bits) ?? []), value]);
  }
  return [...groups].map(([name, values]) => ({
    name,
    values: new Map([...values].map(([bits, all]) => [bits, mean(all)])),
  }));
}

/** The mean of every precision, with its interval over the units. */
export function meansOf(results: readonly TrialResult[], quantity: Quantity): readonly MeanOfPrecision[] {
  const units = unitsOf(results, quantity);
  return precisionsOf(results).map((bits) => {
    const values = units.flatMap((unit) => unit.values.get(bits) ?? []);
    return { bits, ...interval(values) };
  });
}

/** Every other precision against the reference, unit by unit. */
export function differencesOf(
  results: readonly TrialResult[],
  quantity: Quantity,
  reference = referenceBits(results),
): readonly PairedDifference[] {
  const units = unitsOf(results, quantity);
  return precisionsOf(results)
    .filter((bits) => bits !== reference)
    .map((bits) => {
      const differences = units.flatMap(({ values }) => {
        const [own, other] = [values.get(bits), values.get(reference)];
        return own === undefined || other === undefined ? [] : [own - other];
      });
      const found = interval(differences);
      const [low, high] = found.interval ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      return { bits, ...found, sign: low > 0 ? 1 : high < 0 ? -1 : 0 };
    });
}

/** The precision that is better than every other one beyond the error of their paired difference; null where none is. */
export function bestOf(
  results: readonly TrialResult[],
  quantity: Quantity,
  better: 'smaller' | 'larger',
): number | null {
  const wanted = better === 'smaller' ? 1 : -1;
  const found = precisionsOf(results).find((bits) => {
    const others = differencesOf(results, quantity, bits);
    return others.length > 0 && others.every(({ sign }) => sign === wanted);
  });
  return found ?? null;
}

function interval(values: readonly number[]): { mean: number; interval: readonly [number, number] | null; n: number } {
  const n = values.length;
  if (n < 2) return { mean: n ? values[0]! : Number.NaN, interval: null, n };
  const { mean: centre, standardError } = meanInterval(values);
  const half = studentFactor(n - 1) * standardError;
  return { mean: centre, interval: [centre - half, centre + half], n };
}

/** `0.123 ± 0.045`, or the mean alone where there is no interval. */
export function withInterval(
  { mean: centre, interval: ends }: Pick<MeanOfPrecision, 'mean' | 'interval'>,
  digits = 3,
): string {
  if (!Number.isFinite(centre)) return '—';
  return ends
    ? `${significant(centre, digits)} ± ${significant((ends[1] - ends[0]) / 2, 2)}`
    : significant(centre, digits);
}

export function significant(value: number, digits = 3): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? Number(value.toPrecision(digits)).toString() : value.toExponential(digits - 1);
}
