import type { Bits } from '../protocol';

export const precisionName = (bits: Bits) => `${bits} bits`;

/** The colour of a network in every chart; style.css says which, light and dark. */
export const precisionColor = (bits: Bits) => `var(--bits-${bits})`;
