#!/usr/bin/env node
// Compiles packages/kernels/src/simd (AssemblyScript) into packages/kernels/src/backends/simd-bytes.ts, which is committed.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'packages/kernels/src/backends/simd-bytes.ts');

/** The text of simd-bytes.ts as the sources make it now. */
export async function simdSource() {
  const files = new Map();
  const { error, stderr } = await asc.main(
    [
      join(root, 'packages/kernels/src/simd/index.ts'),
      ...['--outFile', 'simd.wasm', '--runtime', 'stub', '--enable', 'simd', '-O3', '--noAssert', '--use', 'abort='],
      // The memory of tfjs-backend-wasm has this maximum, and an import may not ask for a smaller one.
      ...['--importMemory', '--noExportMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
    ],
    { writeFile: (name, contents) => void files.set(name, contents) },
  );
  if (error) throw new Error(`build-simd: ${error.message}\n${stderr}`);
  const bytes = files.get('simd.wasm');
  const sections = sectionsOf(bytes);
  if (sections.has('data') || sections.has('start'))
    throw new Error('build-simd: the module has static data or a start function, which would write into tfjs tensors');
  return `// Compiled from ./simd by scripts/build-simd.mjs: don't edit, run it again.
/** The wasm SIMD module: ${bytes.length} bytes. */
export const simdBytes =
  '${Buffer.from(bytes).toString('base64')}';

/** Where the limits of the imported memory begin: 1 says that it has a maximum, 3 that it is shared as well. */
export const memoryLimitsAt = ${sections.get('memory limits')};
`;
}

/** Where the sections of interest begin. */
function sectionsOf(bytes) {
  const found = new Map();
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const id = bytes[at++];
    const size = number();
    if (id === 8) found.set('start', at);
    if (id === 11) found.set('data', at);
    if (id === 2) {
      const end = at + size;
      const imports = number();
      for (const _ of ['module', 'field']) {
        const length = number();
        at += length;
      }
      if (imports !== 1 || bytes[at] !== 2)
        throw new Error('build-simd: the module must import a memory and nothing else');
      found.set('memory limits', at + 1);
      at = end;
    } else at += size;
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(target, await simdSource());
  console.log(`build-simd: wrote ${target}`);
}
