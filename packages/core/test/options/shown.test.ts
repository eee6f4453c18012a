import { shown } from '@qgen/core';
import { expect, it } from 'vitest';

it.each([
  ['4', "'4'"],
  [4, '4'],
  [Number.NaN, 'NaN'],
  [null, 'null'],
  [undefined, 'undefined'],
  [[1, 2], 'an array'],
  [{ bits: 4 }, 'an object'],
  [() => 4, 'a function'],
  [Symbol('four'), 'Symbol(four)'],
])('%s is shown as %s', (value, text) => {
  expect(shown(value)).toBe(text);
});
