import { shown } from '@qgen/core';
import type { ImageShape } from '../images/image';

/** A rule for a random field or a parameter: how many numbers it holds, and which ones. */
export interface FieldRule {
  readonly count: number | 'one';
  /** As in "must hold …" or "must be …". */
  readonly numbers: string;
  readonly holds: (x: number) => boolean;
}

const rule = (numbers: string, holds: (x: number) => boolean) => (count: number) => ({ count, numbers, holds });

export const real: FieldRule = { count: 'one', numbers: 'a finite number', holds: Number.isFinite };
export const number = (low: number, high: number): FieldRule => ({
  count: 'one',
  numbers: `a number from ${low} to ${high}`,
  holds: (x) => x >= low && x <= high,
});
export const wholeNumber = (low: number, high: number): FieldRule => ({
  count: 'one',
  numbers: `a whole number from ${low} to ${high}`,
  holds: (x) => Number.isInteger(x) && x >= low && x <= high,
});
export const reals = rule('finite numbers', Number.isFinite);
export const counts = rule('whole numbers from 0 up', (x) => Number.isInteger(x) && x >= 0);
export const fractions = rule('numbers from 0 to below 1', (x) => x >= 0 && x < 1);
export const symmetricNumbers = rule('numbers from -1 to 1', (x) => x >= -1 && x <= 1);
export const levelNumbers = rule('numbers from 0 to 255', (x) => x >= 0 && x <= 255);
export const wholeNumbers = (low: number, high: number) =>
  rule(`whole numbers from ${low} to ${high}`, (x) => Number.isInteger(x) && x >= low && x <= high);

/**
 * Checks that there is one object per image and that it holds what `rulesOf` says.
 *
 * @throws RangeError, or a TypeError where there is no object
 */
export function requireFields<F extends object>(
  caller: string,
  fields: readonly F[],
  { count, height, width, channels }: ImageShape & { readonly count: number },
  rulesOf: (fields: F, i: number) => Readonly<Record<string, FieldRule>>,
): void {
  if (!Array.isArray(fields) || fields.length !== count)
    throw new RangeError(
      `${caller}: fields must be an array of one object per image (${count}), got ${Array.isArray(fields) ? fields.length : shown(fields)}`,
    );
  for (const [i, own] of fields.entries()) {
    if (own === null || typeof own !== 'object')
      throw new TypeError(`${caller}: fields[${i}] must be an object as drawFields returns it, got ${shown(own)}`);
    for (const [key, { count: wanted, numbers, holds }] of Object.entries(rulesOf(own, i))) {
      const given = (own as Record<string, unknown>)[key];
      const name = `${caller}: fields[${i}].${key}`;
      if (wanted === 'one') {
        if (typeof given === 'number' && holds(given)) continue;
        throw new RangeError(`${name} must be ${numbers}, got ${shown(given)}`);
      }
      const values = given as ArrayLike<number> | undefined;
      if (values?.length !== wanted) {
        const got = typeof given === 'object' && given !== null && 'length' in given ? given.length : shown(given);
        throw new RangeError(
          `${name} must hold ${wanted} numbers for ${height}×${width}×${channels} images, got ${got}`,
        );
      }
      for (let k = 0; k < wanted; k++)
        if (!holds(values[k]))
          throw new RangeError(`${name} must hold ${numbers}, got ${shown(values[k])} at place ${k}`);
    }
  }
}
