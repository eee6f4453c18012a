/** Throws a RangeError that lists what is allowed unless `value` is one of it. */
export function requireOneOf(caller: string, name: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string))
    throw new RangeError(`${caller}: ${name} must be ${allowed.map((each) => `'${each}'`).join(' or ')}, got ${value}`);
}
