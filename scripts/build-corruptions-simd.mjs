#!/usr/bin/env node
// Compiles packages/corruptions/src/simd (AssemblyScript) into packages/corruptions/src/backends/simd-bytes.ts, which is committed.
// Unlike the module of build-simd.mjs this one has a memory of its own.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The text of simd-bytes.ts as the sources make it now. */
export async function corruptionsSimdSource() {
  const files = new Map();
  const { error, stderr } = await asc.main(
    [
      join(root, 'packages/corruptions/src/simd/index.ts'),
      ...['--outFile', 'simd.wasm', '--runtime', 'stub', '--enable', 'simd', '-O3', '--noAssert', '--use', 'abort='],
    ],
    { writeFile: (name, contents) => void files.set(name, contents) },
  );
  if (error) throw new Error(`build-corruptions-simd: ${error.message}\n${stderr}`);
  const bytes = files.get('simd.wasm');
  return `// Compiled from ./simd by scripts/build-corruptions-simd.mjs: don't edit, run it again.
/** The wasm SIMD module: ${bytes.length} bytes. */
export const simdBytes =
  '${Buffer.from(bytes).toString('base64')}';
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = join(root, 'packages/corruptions/src/backends/simd-bytes.ts');
  writeFileSync(target, await corruptionsSimdSource());
  console.log(`build-corruptions-simd: wrote ${target}`);
}
