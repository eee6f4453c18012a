import { expect } from 'vitest';

/** The texts that a notebook on Deno's kernel shows for a value; the method that gives them is not enumerable. */
export function displayOf(value: object): { readonly plain: string; readonly markdown: string; readonly html: string } {
  const property = Object.getOwnPropertyDescriptor(value, Symbol.for('Jupyter.display'));
  expect(property?.enumerable).toBe(false);
  const shown = property!.value() as Readonly<Record<string, string>>;
  expect(Object.keys(shown)).toEqual(['text/plain', 'text/markdown', 'text/html']);
  for (const text of Object.values(shown)) expect(text).not.toMatch(/undefined|\[object/);
  return { plain: shown['text/plain']!, markdown: shown['text/markdown']!, html: shown['text/html']! };
}
