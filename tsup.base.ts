import type { Options } from 'tsup';

/** How every package is built: one ESM and one CommonJS file beside their declarations, with maps into the packed `src`. */
export const library: Options = {
  entry: ['src/index.ts'],
  format: ['esm', 'cjs'],
  target: 'es2022',
  platform: 'neutral',
  dts: true,
  sourcemap: true,
  clean: true,
  treeshake: true,
  esbuildOptions: (options) => {
    options.sourcesContent = false;
  },
};
