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

/** Every border by its name. */
export const BORDER_OF = { edge, symmetric, mirror101 } as const;

export type BorderName = keyof typeof BORDER_OF;

/** The source index of each of n + before + after places of a row that `border` continues on both sides. */
export function borderIndices(n: number, before: number, after: number, border: Border): Int32Array {
  return Int32Array.from({ length: before + n + after }, (_, i) => border(i - before, n));
}

/** The same in WGSL, each as a function `border`. */
export const BORDERS = {
  edge: 'fn border(i : i32, n : i32) -> i32 { return clamp(i, 0, n - 1); }',
  symmetric: `fn border(i : i32, n : i32) -> i32 {
      let k = ((i % (2 * n)) + 2 * n) % (2 * n);
      return select(2 * n - 1 - k, k, k < n);
    }`,
  mirror101: `fn border(i : i32, n : i32) -> i32 {
      if (n == 1) { return 0; }
      let period = 2 * (n - 1);
      let k = ((i % period) + period) % period;
      return select(period - k, k, k < n);
    }`,
} as const;
