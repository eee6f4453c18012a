import { displayed } from '@qgen/core';
import { expect, it } from 'vitest';

const display = (value: object) =>
  (value as Record<symbol, () => Record<string, string>>)[Symbol.for('Jupyter.display')]!();

it('gives a value three forms for a notebook, and is seen by nothing else', () => {
  const value = { sigma: 0.5 };
  const shown = displayed(value, ({ sigma }) => [`sigma = ${sigma}`]);
  expect(shown).toBe(value);
  expect(display(shown)).toEqual({
    'text/plain': 'sigma = 0.5',
    'text/markdown': 'sigma = 0.5',
    'text/html': '<p>sigma = 0.5</p>',
  });
  expect(shown).toStrictEqual({ sigma: 0.5 });
  expect(Reflect.ownKeys({ ...shown })).toEqual(['sigma']);
  expect(JSON.stringify(shown)).toBe('{"sigma":0.5}');
  expect(structuredClone(shown)).toStrictEqual({ sigma: 0.5 });
});

it('leaves an array an array', () => {
  const list = displayed([3, 1, 2], (all) => [`${all.length} entries`]);
  expect(display(list)['text/plain']).toBe('3 entries');
  expect(list).toStrictEqual([3, 1, 2]);
  expect(Object.keys(list)).toEqual(['0', '1', '2']);
});
