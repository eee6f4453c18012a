import { requireKnownOptions } from '@qgen/core';

/**
 * A measured value as a pool holds it: a number, or what `findSigma` and `measureFlatness` return. What is NaN, null or
 * infinite, or of a search that saturated or was aborted, is left out and counted.
 */
export type Cell =
  | number
  | null
  | undefined
  | { readonly value: number | null; readonly status?: string }
  | { readonly normalized: number | null; readonly status?: string };

/** The name of a field of a row, or of its `hp`; or a function that reads the row. */
export type Field<Row, Value> = string | ((row: Row) => Value);

/** The value of a hyper-parameter. */
export type Setting = string | number | boolean;

/** The field of a row, or of its `hp`, with this name. */
export const named = (row: unknown, name: string, caller: string): unknown => {
  if (typeof row !== 'object' || row === null) throw new TypeError(`${caller}: a row must be an object, got ${row}`);
  const own = row as Record<string, unknown> & { hp?: Record<string, unknown> };
  if (name in own) return own[name];
  if (own.hp && name in own.hp) return own.hp[name];
  throw new RangeError(
    `${caller}: no field '${name}' in a row nor in its hp, which has ${Object.keys({ ...own, ...own.hp }).join(', ')}; ` +
      'name one of these or give a function',
  );
};

/** The number a field holds; NaN where it is missing, not finite, or of a search that ended without an estimate. */
function readNumber<Row>(row: Row, field: Field<Row, Cell>, caller: string): number {
  const cell = typeof field === 'function' ? field(row) : (named(row, field, caller) as Cell);
  if (cell === null || cell === undefined) return Number.NaN;
  if (typeof cell === 'number') return Number.isFinite(cell) ? cell : Number.NaN;
  if (typeof cell !== 'object')
    throw new TypeError(`${caller}: a measured value must be a number, got ${JSON.stringify(cell)}`);
  if (cell.status !== undefined && cell.status !== 'converged' && cell.status !== 'budget') return Number.NaN;
  const value = 'value' in cell ? cell.value : cell.normalized;
  return value !== null && Number.isFinite(value) ? value : Number.NaN;
}

/** A row as the statistics use it: its settings in the order of `axes`, its measure and its gap. */
export interface Point {
  readonly settings: readonly Setting[];
  readonly measure: number;
  readonly gap: number;
}

export interface PoolOptions<Row> {
  readonly measure: Field<Row, Cell>;
  readonly gap: Field<Row, Cell>;
  /** Names of the hyper-parameters that vary over the pool, fields of a row or of its `hp`. */
  readonly axes: readonly string[];
}

/** Throws for an option that is not the statistic's, nor `measure`, `gap` or `axes`. */
export function requirePoolOptions(
  caller: string,
  options: unknown,
  own: readonly string[],
  belongsTo?: Readonly<Record<string, string>>,
): void {
  requireKnownOptions(caller, options, ['measure', 'gap', 'axes', ...own], belongsTo);
}

/** @throws TypeError unless `field` is a name or a function */
export function requireField(caller: string, name: string, field: unknown): void {
  if (typeof field !== 'string' && typeof field !== 'function')
    throw new TypeError(`${caller}: ${name} must be the name of a field or a function, got ${field}`);
}

/** The rows with a finite measure and a finite gap, and how many were left out. */
export function readPool<Row>(
  rows: readonly Row[],
  { measure, gap, axes }: PoolOptions<Row>,
  caller: string,
): { points: Point[]; excluded: number } {
  if (!Array.isArray(rows)) throw new TypeError(`${caller}: rows must be an array of models, got ${rows}`);
  requireField(caller, 'measure', measure);
  requireField(caller, 'gap', gap);
  if (!Array.isArray(axes) || axes.some((axis) => typeof axis !== 'string'))
    throw new TypeError(`${caller}: axes must be an array of names, got ${axes}`);
  const points: Point[] = [];
  for (const row of rows as readonly Row[]) {
    const settings = axes.map((axis) => named(row, axis, caller) as Setting);
    const m = readNumber(row, measure, caller);
    const g = readNumber(row, gap, caller);
    if (Number.isNaN(m) || Number.isNaN(g)) continue;
    points.push({ settings, measure: m, gap: g });
  }
  return { points, excluded: rows.length - points.length };
}

/** The points that agree in the settings at `positions`, in order of first appearance. */
export function groupBySettings(points: readonly Point[], positions: readonly number[]): Point[][] {
  const groups = new Map<string, Point[]>();
  for (const point of points) {
    const key = JSON.stringify(positions.map((position) => point.settings[position]));
    const group = groups.get(key);
    if (group) group.push(point);
    else groups.set(key, [point]);
  }
  return [...groups.values()];
}
