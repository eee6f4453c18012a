/** A value as an error message shows it. */
export const shown = (value: unknown) => (typeof value === 'string' ? JSON.stringify(value) : String(value));
