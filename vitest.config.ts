import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { findNative } from './scripts/native.mjs';
import { findChromium, findVulkanDriver } from './test/chromium.ts';

/**
 * Three projects over the same sources.
 *   node     every `*.test.ts`, on the cpu and wasm backends, and on tensorflow where `npm run native` built it;
 *            QGEN_BACKENDS=wasm runs it on wasm alone
 *   dawn     the `*.device.test.ts` among them and the `*.webgpu.test.ts` on the webgpu backend in Node (the npm package
 *            `webgpu`)
 *   browser  the `*.device.test.ts` and `*.browser.test.ts` in a real Chromium, on cpu, wasm and webgpu
 */
const root = dirname(fileURLToPath(import.meta.url));
const conditions = ['@qgen/source', 'module', 'import', 'default'];
const define = { __ROOT__: JSON.stringify(root) };
const chromium = findChromium();
const vulkan = findVulkanDriver(chromium);
const native = findNative();
const inNodeOn = process.env.QGEN_BACKENDS ?? (native ? 'cpu,wasm,tensorflow' : 'cpu,wasm');

const tests = ['packages/*/test/**', 'test/**', 'examples/**'];
const named = (suffix: string) => tests.map((folder) => `${folder}/*.${suffix}.ts`);
/** Generous, for machines with other work to do: a test that hangs ends here, and no test asserts a time. */
const patience = { testTimeout: 240_000, hookTimeout: 240_000 };
// Vitest takes entries out of a project's `define`, so that each needs an object of its own.
const inNode = () => ({ define: { ...define }, resolve: { conditions }, ssr: { resolve: { conditions } } });

const node: TestProjectConfiguration = {
  ...inNode(),
  test: {
    ...patience,
    name: 'node',
    include: tests.map((folder) => `${folder}/*.test.ts`),
    exclude: [
      '**/node_modules/**',
      '**/dist/**',
      ...named('browser.test'),
      ...named('webgpu.test'),
      // They are about tensorflow alone, and a file without a test is an error.
      ...(inNodeOn.includes('tensorflow') ? [] : ['packages/*/test/native.test.ts']),
    ],
    env: {
      QGEN_BACKENDS: inNodeOn,
      ...(native && { QGEN_NATIVE: native, TF_CPP_MIN_LOG_LEVEL: '2' }),
    },
    setupFiles: ['./test/repeatable.ts'],
  },
};

const dawn = (driver: string): TestProjectConfiguration => ({
  ...inNode(),
  test: {
    ...patience,
    name: 'dawn',
    include: [...named('device.test'), ...named('webgpu.test')],
    exclude: ['**/node_modules/**'],
    env: { QGEN_BACKENDS: 'webgpu', VK_ICD_FILENAMES: driver },
    setupFiles: ['./test/repeatable.ts', './test/dawn.ts'],
    fileParallelism: false,
  },
});

const browser = (executablePath: string): TestProjectConfiguration => ({
  define: { ...define, 'process.env.QGEN_BACKENDS': JSON.stringify('cpu,wasm,webgpu') },
  resolve: { conditions },
  server: { fs: { allow: [root, `${root}/../shared`] } },
  optimizeDeps: {
    include: [
      '@tensorflow/tfjs-core',
      '@tensorflow/tfjs-layers',
      '@tensorflow/tfjs-backend-cpu',
      '@tensorflow/tfjs-backend-wasm',
      '@tensorflow/tfjs-backend-webgpu',
      'fast-check',
      'onnxruntime-web/wasm',
    ],
  },
  test: {
    ...patience,
    name: 'browser',
    include: [...named('device.test'), ...named('browser.test')],
    exclude: ['**/node_modules/**'],
    fileParallelism: false,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath,
          args: [
            '--no-sandbox',
            '--enable-unsafe-webgpu',
            '--use-webgpu-adapter=swiftshader',
            // A GPU made of software answers late on a busy machine; the watchdog would take that for a hang.
            '--disable-gpu-watchdog',
          ],
        },
      }),
      instances: [{ browser: 'chromium' }],
    },
  },
});

export default defineConfig({
  test: {
    reporters: ['default', './test/left-out.ts'],
    maxWorkers: 2,
    projects: [node, ...(vulkan ? [dawn(vulkan)] : []), ...(chromium ? [browser(chromium)] : [])],
  },
});
