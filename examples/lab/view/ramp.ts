/** Five colours of matplotlib's viridis, evenly spaced. */
const STOPS = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
] as const;

/** A colour from dark (0) to light (1). */
export function rampColor(share: number): string {
  const at = Math.min(1, Math.max(0, share)) * (STOPS.length - 1);
  const i = Math.min(STOPS.length - 2, Math.floor(at));
  return `rgb(${STOPS[i].map((from, c) => Math.round(from + (at - i) * (STOPS[i + 1][c] - from))).join()})`;
}
