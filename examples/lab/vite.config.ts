import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin, UserConfig } from 'vite';
import { type Dataset, loadDataset } from '../shared/dataset';

const here = dirname(fileURLToPath(import.meta.url));

/** Serves the handwritten digits as one file: per example 784 pixels and the label; training examples first. */
function digits(): Plugin {
  let bytes: Uint8Array | undefined;
  const pack = () => {
    if (bytes) return bytes;
    const { train, test }: Dataset = loadDataset({ data: null, train: 2000, test: 1000 });
    bytes = Buffer.concat([train.images, test.images, train.labels, test.labels]);
    return bytes;
  };
  return {
    name: 'qgen-digits',
    configureServer: (server) => {
      server.middlewares.use('/digits.bin', (_, response) => {
        response.setHeader('Content-Type', 'application/octet-stream');
        response.end(pack());
      });
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'digits.bin', source: pack() });
    },
  };
}

export default {
  root: here,
  // Addresses are relative, so that the built page works in any folder of any host.
  base: './',
  plugins: [digits()],
  resolve: { conditions: ['@qgen/source', 'module', 'browser', 'development|production'] },
  worker: { format: 'es' },
  server: { fs: { allow: [resolve(here, '../..')] } },
  build: { outDir: resolve(here, '../../results/lab'), emptyOutDir: true, target: 'es2022' },
  optimizeDeps: {
    include: [
      '@tensorflow/tfjs-core',
      '@tensorflow/tfjs-layers',
      '@tensorflow/tfjs-backend-cpu',
      '@tensorflow/tfjs-backend-wasm',
      '@tensorflow/tfjs-backend-webgpu',
      '@observablehq/plot',
    ],
  },
} satisfies UserConfig;
