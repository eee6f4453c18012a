import { nearest } from './nearest';

/**
 * Throws if a function does not have an option of that name. An option whose value is undefined counts as not given.
 *
 * @param caller the function that was called, for the message
 * @param options the options as given; undefined is none
 * @param known the names that the function takes
 * @param belongsTo names that are options elsewhere, with where: `{ epochs: "ascent: 'paper'" }`
 * @throws TypeError if `options` is no object, RangeError on the first name that is not known, with the nearest that is
 */
export function requireKnownOptions(
  caller: string,
  options: unknown,
  known: readonly string[],
  belongsTo: Readonly<Record<string, string>> = {},
): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(
      `${caller}: options must be an object with any of ${known.join(', ')}, got ${Array.isArray(options) ? 'an array' : String(options)}`,
    );
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || known.includes(name)) continue;
    if (Object.hasOwn(belongsTo, name))
      throw new RangeError(`${caller}: option '${name}' belongs to ${belongsTo[name]}; leave it out or choose that`);
    const guess = nearest(name, known);
    throw new RangeError(
      `${caller}: there is no option '${name}'; ${guess ? `did you mean '${guess}'?` : `the options are ${known.join(', ')}`}`,
    );
  }
}
