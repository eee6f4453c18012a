import { html, markdown, plainText, type Sheet } from './sheet';

/** The method that Deno's kernel of Jupyter asks a value for that ends a cell. */
const DISPLAY = Symbol.for('Jupyter.display');

/**
 * `value` itself, which a notebook now shows as `sheet` when it ends a cell: text/plain, text/markdown and text/html. The
 * method is not enumerable, so that JSON, spreading, copies and deep equality do not see it.
 */
export function displayed<T extends object>(value: T, sheet: (value: T) => Sheet): T {
  return Object.defineProperty(value, DISPLAY, {
    value: () => {
      const shown = sheet(value);
      return { 'text/plain': plainText(shown), 'text/markdown': markdown(shown), 'text/html': html(shown) };
    },
  });
}
