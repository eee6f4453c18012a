import type { SearchOutcome, SearchStatus } from './result';

export interface BisectRangeOptions {
  readonly target: number;
  /** The interval that is halved, at its linear midpoint. */
  readonly range: readonly [number, number];
  readonly iterations: number;
  /** The search stops where the drop is this close to the target. */
  readonly tolerance: number;
}

/**
 * The bisection of Dziugaite et al. 2020 that QGen used: the midpoint of what is left of [0, 2], at most 15 times, until
 * | |drop| - 0.1 | < 0.01; it returns the last midpoint. Kept with its defects: the first nodes destroy the net and are
 * wasted, the resolution is absolute, the window of +-0.01 is +-5 % in scale, a gain of accuracy counts as a drop, one
 * noisy node can send it astray, and it ends at 2 (or 0) where the target lies beyond. That last one is flagged here.
 */
export async function bisectRange(
  dropAt: (scale: number) => Promise<number>,
  { target, range: [bottom, top], iterations, tolerance }: BisectRangeOptions,
): Promise<SearchOutcome> {
  let [low, high] = [bottom, top];
  let value = top;
  for (let node = 0; node < iterations; node++) {
    value = (low + high) / 2;
    const displacement = Math.abs(await dropAt(value));
    if (Math.abs(displacement - target) < tolerance) return { value, interval: null, status: 'converged' };
    if (displacement > target) high = value;
    else low = value;
  }
  if (high === top) return atEnd(value, 'saturated-high', top);
  if (low === bottom) return atEnd(value, 'saturated-low', bottom);
  return { value, interval: null, status: 'budget' };
}

function atEnd(value: number, status: SearchStatus, end: number): SearchOutcome {
  const warning = `the bisection ran into the end ${end} of its range: ${value} is not where the accuracy drops by the target`;
  return { value, interval: null, status, warnings: [warning] };
}

/** @throws RangeError unless `range` is [low, high] with 0 <= low < high, both finite */
export function requireRange(caller: string, range: readonly [number, number] = [0, 2]): void {
  const ends: readonly unknown[] = Array.isArray(range) ? range : [];
  const [low, high] = ends.every(Number.isFinite) && ends.length === 2 ? range : [0, 0];
  if (!(low >= 0 && high > low))
    throw new RangeError(
      `${caller}: range must be [low, high] with 0 <= low < high, got ${Array.isArray(range) ? `[${range}]` : range}`,
    );
}
