#!/usr/bin/env node
// Compiles the AssemblyScript of packages/*/src/simd into packages/*/src/backends/*-binary.ts, which are committed: the types
// of what each module exports, and its bytes.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = ({ folder, binary }) => join(root, 'packages', folder, `src/backends/${binary}.ts`);

// The memory of tfjs-backend-wasm has this maximum, and an import may not ask for a smaller one.
const onMemoryOfTfjs = ['--importMemory', '--noExportMemory', '--initialMemory', '1', '--maximumMemory', '65536'];

/** The modules: two work on the memory of tfjs-backend-wasm, the third has a memory of its own. */
const modules = {
  kernels: {
    folder: 'kernels',
    binary: 'simd-binary',
    entry: 'index',
    names: ['SimdExports', 'simdBinary', 'memoryLimitsAt'],
    options: onMemoryOfTfjs,
  },
  'kernels, relaxed': {
    folder: 'kernels',
    binary: 'relaxed-simd-binary',
    entry: 'relaxed',
    names: ['RelaxedSimdExports', 'relaxedSimdBinary', 'relaxedMemoryLimitsAt'],
    options: [...onMemoryOfTfjs, '--enable', 'relaxed-simd'],
  },
  corruptions: {
    folder: 'corruptions',
    binary: 'simd-binary',
    entry: 'index',
    names: ['SimdExports', 'simdBinary'],
    options: [],
  },
};

/** The text of a module's file as the sources make it now. */
export async function simdBinary(name) {
  const { folder, entry, names, options } = modules[name];
  const [exportsType, binary, limitsAt] = names;
  const files = new Map();
  const { error, stderr } = await asc.main(
    [
      `packages/${folder}/src/simd/${entry}.ts`,
      ...['--baseDir', root, '--outFile', 'simd.wasm', '--bindings', 'raw', '--runtime', 'stub', '--enable', 'simd'],
      ...['-O3', '--noAssert', '--use', 'abort=', ...options],
    ],
    { writeFile: (name, contents) => void files.set(name, contents) },
  );
  if (error) throw new Error(`build-simd: ${error.message}\n${stderr}`);
  const bytes = files.get('simd.wasm');
  return `// Compiled from ../simd by scripts/build-simd.mjs: don't edit, run it again.
/** What the module exports. Numbers that name arrays are addresses in its memory. */
export interface ${exportsType} {
${membersOf(files.get('simd.d.ts')).join('\n')}
}

/** The wasm SIMD module in base64: ${bytes.length} bytes. */
export const ${binary} =
  '${Buffer.from(bytes).toString('base64')}';
${
  limitsAt === undefined
    ? ''
    : `
/** Where the limits of the imported memory begin: 1 says that it has a maximum, 3 that it is shared as well. */
export const ${limitsAt} = ${limitsOfImportedMemory(bytes)};
`
}`;
}

/** The members of an interface, as biome formats them, from the declarations that the compiler writes. */
function membersOf(declarations) {
  const memory = /^ *export const memory: (.*;)$/m.exec(declarations);
  const functions = [...declarations.matchAll(/^ *export function (\w+)\((.*)\): (\w+);$/gm)];
  const members = functions.map(([, name, parameters, declared]) => {
    // Without the compiler's own wrappers, a bool comes back as 0 or 1.
    const result = declared === 'boolean' ? 'number' : declared;
    const line = `  ${name}(${parameters}): ${result};`;
    if (line.length <= 120) return line;
    return `  ${name}(\n${parameters.replaceAll(/(\w+: \w+)(?:, )?/g, '    $1,\n')}  ): ${result};`;
  });
  return memory ? [`  readonly memory: ${memory[1]}`, ...members] : members;
}

/** Where the limits of the memory begin in a module that imports it and writes nothing there when it starts. */
function limitsOfImportedMemory(bytes) {
  const sections = sectionsOf(bytes);
  if (sections.has('data') || sections.has('start'))
    throw new Error('build-simd: the module has static data or a start function, which would write into tfjs tensors');
  return sections.get('memory limits');
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

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [name, module] of Object.entries(modules)) {
    writeFileSync(target(module), await simdBinary(name));
    console.log(`build-simd: wrote ${target(module)}`);
  }
