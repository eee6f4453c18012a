import type { Variable } from '@tensorflow/tfjs-core';

/** Under this symbol every copy of this package finds one register of the variables that are being worked on. */
const key = Symbol.for('@qgen/variables in use');

/**
 * Claims variables for work that moves them or needs them to stay as they are, until the returned function is called.
 * Until then a second claim of one of them throws, whatever model or wrapper it comes through.
 *
 * @throws Error, naming the variable, if one is claimed already; then none is claimed
 */
export function claimVariables(
  variables: readonly { readonly name: string; readonly variable: Variable }[],
  caller: string,
): () => void {
  const registers = globalThis as unknown as Record<symbol, WeakSet<Variable> | undefined>;
  const inUse = registers[key] ?? new WeakSet();
  registers[key] = inUse;
  const taken = variables.find(({ variable }) => inUse.has(variable));
  if (taken)
    throw new Error(
      `${caller}: another measurement of this model is running, or of one that shares its variable ${taken.name}; await it before starting the next`,
    );
  for (const { variable } of variables) inUse.add(variable);
  return () => {
    for (const { variable } of variables) inUse.delete(variable);
  };
}
