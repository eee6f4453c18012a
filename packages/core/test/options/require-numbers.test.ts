import { expect, it } from 'vitest';
import {
  requireCounts,
  requireNotNegative,
  requirePositive,
  requireSeed,
  requireTarget,
} from '../../src/options/require-numbers';

const number = (value: unknown) => value as number;

it.each([
  [() => requireTarget('f', number('0.1')), "f: target must lie between 0 and 1, got '0.1'"],
  [() => requireTarget('f', 1), 'f: target must lie between 0 and 1, got 1'],
  [() => requirePositive('f', { rho: number('1') }), "f: rho must be positive, got '1'"],
  [() => requirePositive('f', { rho: Number.NaN }), 'f: rho must be positive, got NaN'],
  [() => requireNotNegative('f', { weight: -1 }), 'f: weight must be a finite number of 0 or more, got -1'],
  [() => requireSeed('f', number('1')), "f: seed must be an integer from 0 to 2^53 - 1, got '1'"],
  [() => requireSeed('f', 1.5), 'f: seed must be an integer from 0 to 2^53 - 1, got 1.5'],
  [() => requireCounts('f', { batchSize: number('8') }), "f: batchSize must be a positive integer, got '8'"],
  [() => requireCounts('f', { batchSize: 0 }), 'f: batchSize must be a positive integer, got 0'],
])('%#: refuses what is no number of its range, and shows a string as one', (call, message) => {
  expect(call).toThrow(new RangeError(message));
});

it('accepts numbers of their range, and counts that are not given', () => {
  requireTarget('f', 0.1);
  requirePositive('f', { rho: 1e-9 });
  requireNotNegative('f', { weight: 0 });
  requireSeed('f', 2 ** 53 - 1);
  requireCounts('f', { batchSize: 1, groupSize: undefined });
});
