/** A mistake of the caller or of what they gave: printed as one line, exit code 2. */
export class UsageError extends Error {}
