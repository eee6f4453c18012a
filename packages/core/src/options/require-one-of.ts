import { nearest } from './nearest';

/** Throws a RangeError that lists what is allowed, the nearest first guess named, unless `value` is one of it. */
export function requireOneOf(caller: string, name: string, value: unknown, allowed: readonly string[]): void {
  if (allowed.includes(value as string)) return;
  const guess = typeof value === 'string' ? nearest(value, allowed) : undefined;
  throw new RangeError(
    `${caller}: ${name} must be ${allowed.map((each) => `'${each}'`).join(' or ')}, got ${value}${guess ? `; did you mean '${guess}'?` : ''}`,
  );
}
