/** The error of `readPth` for a file that it does not take. */
export const fault = (what: string): RangeError => new RangeError(`readPth: ${what}`);

/** At most 60 characters of what a file says, for a message. */
export const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
