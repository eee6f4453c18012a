import { shown } from '@qgen/core';
import type { Corruption } from '../corruption';
import type { CorruptionName } from './severities';

/**
 * Checks parameters of the caller's own against what the corruption says of each.
 *
 * @throws TypeError where they are not a number, or so many numbers; RangeError on one outside its range
 */
export function requireParameters(
  caller: string,
  name: CorruptionName,
  { parameterRules }: Corruption<unknown, unknown>,
  parameters: unknown,
): void {
  const rules = Object.entries(parameterRules);
  const names = rules.map(([rule]) => rule);
  const single = rules.length === 1;
  const values = single ? [parameters] : parameters;
  if (!Array.isArray(values) || values.length !== rules.length || !values.every((value) => typeof value === 'number'))
    throw new TypeError(
      `${caller}: parameters of ${name} must be ${single ? `a number (${names[0]})` : `numbers [${names.join(', ')}]`}, got ${Array.isArray(parameters) ? `[${parameters.map(shown).join(', ')}]` : shown(parameters)}`,
    );
  for (const [i, [rule, { numbers, holds }]] of rules.entries())
    if (!holds(values[i]))
      throw new RangeError(`${caller}: parameters of ${name}: ${rule} must be ${numbers}, got ${values[i]}`);
}
