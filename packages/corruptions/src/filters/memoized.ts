/** f, which keeps its last results, at most `capacity`: what a batch asks for again for every image. `f` must be pure. */
export function memoized<A extends readonly (number | string)[], R>(
  f: (...args: A) => R,
  capacity = 64,
): (...args: A) => R {
  const known = new Map<string, R>();
  return (...args) => {
    const key = args.join();
    let result = known.get(key);
    if (result === undefined) {
      if (known.size >= capacity) known.clear();
      result = f(...args);
      known.set(key, result);
    }
    return result;
  };
}
