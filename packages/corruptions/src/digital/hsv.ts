import { truncated } from '../corruption';

/**
 * Writes the colour of hue h (in turns), saturation s and value v, all in 0..1, to `out` as 8-bit levels.
 *
 * With i = floor(6 h) and f = 6 h − i the colour has the components v, p = v (1 − s), and q = v (1 − f s) or
 * t = v (1 − (1 − f) s), in an order that i tells: Smith, "Color gamut transform pairs" (SIGGRAPH 1978).
 */
export function writeHsv(h: number, s: number, v: number, out: Uint8Array, at: number): void {
  const sextant = Math.floor(h * 6);
  const f = h * 6 - sextant;
  const p = v * (1 - s);
  const q = v * (1 - f * s);
  const t = v * (1 - (1 - f) * s);
  let r = v;
  let g = t;
  let b = p;
  if (sextant === 1) [r, g, b] = [q, v, p];
  else if (sextant === 2) [r, g, b] = [p, v, t];
  else if (sextant === 3) [r, g, b] = [p, q, v];
  else if (sextant === 4) [r, g, b] = [t, p, v];
  else if (sextant === 5) [r, g, b] = [v, p, q];
  out[at] = truncated(r * 255);
  out[at + 1] = truncated(g * 255);
  out[at + 2] = truncated(b * 255);
}

/** The hue, in turns, of a colour whose largest component is `value` and whose components span `chroma`; greys have 0. */
export function hueOf(r: number, g: number, b: number, value: number, chroma: number): number {
  if (chroma === 0) return 0;
  const sixth = b === value ? 4 + (r - g) / chroma : g === value ? 2 + (b - r) / chroma : (g - b) / chroma;
  const turns = sixth / 6;
  return turns < 0 ? turns + 1 : turns;
}
