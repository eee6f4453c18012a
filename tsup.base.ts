import type { Options } from 'tsup';

/**
 * How every package is built: an ESM and a CommonJS file for each entry beside their declarations, with maps into the packed
 * `src`. What two entries share lies in a file of its own, so that it exists once.
 */
export const library: Options = {
  entry: ['src/index.ts'],
  format: ['esm', 'cjs'],
  target: 'es2022',
  platform: 'neutral',
  dts: true,
  sourcemap: true,
  clean: true,
  treeshake: true,
  splitting: true,
  esbuildOptions: (options) => {
    options.sourcesContent = false;
  },
};
