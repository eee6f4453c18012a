import { philoxUniforms } from '@qgen/core';

/** Orders of examples take their numbers from streams that no noise uses. */
const ORDER_STREAM = 2 ** 40;

/**
 * Deals the numbers 0 … size - 1 in random order, again and again: no example comes twice before every one came once.
 * A Fisher-Yates shuffle that remembers only what it moved, so a deal costs the same however large the data.
 *
 * @param order which of the seed's orders; each is independent of the others
 */
export function exampleOrder(size: number, seed: number, order = 0): (count: number) => Int32Array {
  let dealt = 0;
  let offset = 0;
  const moved = new Map<number, number>();
  return (count) => {
    const uniforms = philoxUniforms(count, { seed, stream: ORDER_STREAM + order, offset });
    offset += count;
    return Int32Array.from(uniforms, (u) => {
      if (dealt === size) {
        dealt = 0;
        moved.clear();
      }
      const at = dealt + Math.min(size - dealt - 1, Math.floor(u * (size - dealt)));
      const chosen = moved.get(at) ?? at;
      moved.set(at, moved.get(dealt) ?? dealt);
      moved.delete(dealt);
      dealt++;
      return chosen;
    });
  };
}
