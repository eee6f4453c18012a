import { shown } from './shown';

/** @throws TypeError unless every flag that is given is true or false */
export function requireBooleans(caller: string, flags: Readonly<Record<string, boolean | undefined>>): void {
  for (const [name, value] of Object.entries(flags))
    if (value !== undefined && typeof value !== 'boolean')
      throw new TypeError(`${caller}: ${name} must be true or false, got ${shown(value)}`);
}
