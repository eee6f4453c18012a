import { requireKnownOptions, requirePositive } from '@qgen/core';

/** A value for every time t from 0: of epochs, or of training steps. */
export type Schedule = (t: number) => number;

export interface AnnealedOptions {
  readonly from: number;
  readonly to: number;
  /** The time at which `to` is reached. */
  readonly total: number;
  /** The time until which it is `from`. Default 0. */
  readonly start?: number;
}

/**
 * Half a cosine from one value to another (Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5):
 *
 *     to + (from - to) (1 + cos(π (t - start) / (total - start))) / 2
 *
 * `from` before the start, `to` after the total. Of T epochs the last is T - 1: `total: T - 1` ends on `to`.
 *
 * @throws RangeError if a number is not finite, the start is negative or not before the total, or an option is unknown
 */
export function annealed(options: AnnealedOptions): Schedule {
  const name = 'annealed';
  requireKnownOptions(name, options, ['from', 'to', 'total', 'start']);
  const { from, to, total, start = 0 } = options ?? {};
  requireFiniteNumbers(name, { from, to, total, start });
  if (!(start >= 0 && start < total))
    throw new RangeError(
      `${name}: start must be from 0 up and before total, got start ${start} and total ${total}; a schedule has a length`,
    );
  return (t) => {
    const share = Math.min(Math.max((t - start) / (total - start), 0), 1);
    return to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
  };
}

export interface MultiStepOptions {
  readonly from: number;
  /** The times from which on the value is multiplied once more, in ascending order. */
  readonly milestones: readonly number[];
  /** Default 0.1. */
  readonly factor?: number;
}

/**
 * from · factor^k with the number k of milestones at or before t.
 *
 * @throws RangeError if there are no milestones, they don't ascend, a number doesn't fit, or an option is unknown
 */
export function multiStep(options: MultiStepOptions): Schedule {
  const name = 'multiStep';
  requireKnownOptions(name, options, ['from', 'milestones', 'factor']);
  const { from, milestones, factor = 0.1 } = options ?? {};
  requireFiniteNumbers(name, { from });
  requirePositive(name, { factor });
  if (!Array.isArray(milestones) || milestones.length === 0)
    throw new RangeError(`${name}: milestones must be times, as [60, 80], got ${milestones}`);
  if (!milestones.every((time, i) => time > (milestones[i - 1] ?? Number.NEGATIVE_INFINITY)))
    throw new RangeError(`${name}: milestones must ascend, got ${milestones.join(', ')}`);
  return (t) => from * factor ** milestones.filter((time) => time <= t).length;
}

function requireFiniteNumbers(name: string, numbers: Readonly<Record<string, number>>): void {
  for (const [option, value] of Object.entries(numbers))
    if (!Number.isFinite(value)) throw new RangeError(`${name}: ${option} must be a finite number, got ${value}`);
}
