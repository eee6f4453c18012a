/** How an image goes on beyond its border, told by the index i of a pixel in a row of n. */
export type Border = (i: number, n: number) => number;

/** aaa|abcd|ddd */
export const edge: Border = (i, n) => (i < 0 ? 0 : i < n ? i : n - 1);

/** cba|abcd|dcb, as often as it takes; `reflect` of scipy. */
export const symmetric: Border = (i, n) => {
  const period = 2 * n;
  const k = ((i % period) + period) % period;
  return k < n ? k : period - 1 - k;
};

/** dcb|abcd|cba, as often as it takes; BORDER_REFLECT_101 of OpenCV. */
export const mirror101: Border = (i, n) => {
  if (n === 1) return 0;
  const period = 2 * (n - 1);
  const k = ((i % period) + period) % period;
  return k < n ? k : period - k;
};

/** The source index of each of n + before + after places of a row that `border` continues on both sides. */
export function borderIndices(n: number, before: number, after: number, border: Border): Int32Array {
  return Int32Array.from({ length: before + n + after }, (_, i) => border(i - before, n));
}
