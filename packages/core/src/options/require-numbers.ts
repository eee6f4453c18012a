import { shown } from './shown';

/** @throws RangeError unless the drop of accuracy lies between 0 and 1 */
export function requireTarget(caller: string, target: number): void {
  if (!(Number.isFinite(target) && target > 0 && target < 1))
    throw new RangeError(`${caller}: target must lie between 0 and 1, got ${shown(target)}`);
}

/** @throws RangeError unless every number is positive and finite */
export function requirePositive(caller: string, numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers))
    if (!(value > 0 && Number.isFinite(value)))
      throw new RangeError(`${caller}: ${name} must be positive, got ${shown(value)}`);
}

/** @throws RangeError unless every number is finite and 0 or more */
export function requireNotNegative(caller: string, numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers))
    if (!(value >= 0 && Number.isFinite(value)))
      throw new RangeError(`${caller}: ${name} must be a finite number of 0 or more, got ${shown(value)}`);
}

/** @throws RangeError unless the seed is an integer from 0 to 2^53 - 1 */
export function requireSeed(caller: string, seed: number): void {
  if (!(Number.isSafeInteger(seed) && seed >= 0))
    throw new RangeError(`${caller}: seed must be an integer from 0 to 2^53 - 1, got ${shown(seed)}`);
}

/** @throws RangeError unless every number that is given is a positive integer */
export function requireCounts(caller: string, counts: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(counts))
    if (value !== undefined && !(Number.isInteger(value) && value > 0))
      throw new RangeError(`${caller}: ${name} must be a positive integer, got ${shown(value)}`);
}
