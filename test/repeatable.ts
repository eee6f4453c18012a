/** Weights drawn without a seed are the same in every run: a test that fails once fails again. */
import { beforeEach } from 'vitest';

let state = 0;

/** The generator of Numerical Recipes (3rd edition, section 7.1): x ← 1664525 x + 1013904223 mod 2³². */
Math.random = () => {
  state = (1664525 * state + 1013904223) % 2 ** 32;
  return state / 2 ** 32;
};

beforeEach(() => {
  state = 0;
});
