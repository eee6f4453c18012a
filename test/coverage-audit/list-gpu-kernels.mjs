#!/usr/bin/env node
// Writes gpu-kernels.json: for each operation of TensorFlow that tfjs-node or we call, the types that it has a kernel for
// on a GPU, as the GPU build of TensorFlow 2.9.1 itself lists them; no GPU is needed to ask. FOLDER holds the unpacked wheel:
//   pip download --no-deps --only-binary=:all: --platform manylinux2014_x86_64 --python-version 310 tensorflow==2.9.1
//   python3 -m zipfile -e tensorflow-2.9.1-*.whl FOLDER
//   npm run native && node test/coverage-audit/list-gpu-kernels.mjs FOLDER
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { buildPythonStandIn, findNative } from '../../scripts/native.mjs';

const wheel = resolve(process.argv[2]);
const scratch = mkdtempSync(join(tmpdir(), 'gpu-kernels-'));
const libraries = ['libtensorflow_framework.so.2', 'python/_pywrap_tensorflow_internal.so'].map((name) =>
  join(wheel, 'tensorflow', name),
);

/** What TensorFlow's C API returns of itself, as bytes of a protocol buffer. */
function ask(name, call) {
  writeFileSync(
    join(scratch, `${name}.cc`),
    `#include <cstdio>
struct TF_Buffer { const void* data; size_t length; };
extern "C" { void* TF_NewStatus(); TF_Buffer* TF_GetAllRegisteredKernels(void*); TF_Buffer* TF_GetAllOpList(); }
int main() { auto list = ${call}; fwrite(list->data, 1, list->length, stdout); }
`,
  );
  const output = join(scratch, name);
  const link = [
    '-Wl,--no-as-needed',
    '-Wl,--unresolved-symbols=ignore-in-shared-libs',
    join(scratch, 'libpython-stand-in.so'),
  ];
  execFileSync('g++', ['-o', output, `${output}.cc`, ...link, ...libraries]);
  const path = [scratch, join(wheel, 'tensorflow'), join(wheel, 'tensorflow/python')].join(':');
  return execFileSync(output, { env: { LD_LIBRARY_PATH: path, TF_CPP_MIN_LOG_LEVEL: '3' }, maxBuffer: 1 << 26 });
}

/** The fields of a message of a protocol buffer: [number, value], bytes or an integer. */
function* fields(bytes) {
  let at = 0;
  const integer = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = integer();
    if ((key & 7) === 0) yield [key >> 3, integer()];
    else if ((key & 7) === 2) {
      const length = integer();
      yield [key >> 3, bytes.subarray(at, at + length)];
      at += length;
    } else throw new Error(`wire type ${key & 7} in a list of kernels`);
  }
}
const all = (bytes, number) => [...fields(bytes)].filter(([field]) => field === number).map(([, value]) => value);
const text = (bytes, number) => all(bytes, number)[0]?.toString() ?? '';

/** The types that tfjs or we use, by their numbers in types.proto. */
const TYPES = {
  1: 'float32',
  2: 'float64',
  3: 'int32',
  8: 'complex64',
  9: 'int64',
  10: 'bool',
  22: 'uint32',
  23: 'uint64',
};

/** What a kernel is for, as `T=float32 Tidx=int32`: every combination of the types that its constraints allow. */
function combinations(kernel) {
  let lists = [[]];
  for (const constraint of all(kernel, 3)) {
    const allowed = all(constraint, 2).flatMap((value) => all(value, 1).flatMap((list) => all(list, 6)));
    const numbers = allowed.flatMap((types) => (typeof types === 'number' ? types : [...types]));
    const names = numbers.flatMap((number) => TYPES[number] ?? []);
    lists = lists.flatMap((list) => names.map((name) => [...list, `${text(constraint, 1)}=${name}`]));
  }
  return lists.map((list) => list.sort().join(' '));
}

buildPythonStandIn(libraries[1], scratch);
const outputs = new Map(
  all(ask('ops', 'TF_GetAllOpList()'), 1).map((op) => [text(op, 1), all(op, 3).map((argument) => text(argument, 1))]),
);
const folder = join(findNative(), 'dist');
const sources = readdirSync(folder, { recursive: true }).filter(
  (file) => file.endsWith('.js') && !file.includes('_test'),
);
const called = new Set([
  ...sources.flatMap((file) => readFileSync(join(folder, file), 'utf8').match(/(?<=')[A-Z]\w+(?=')/g) ?? []),
  ...Object.values(tf).filter((value) => typeof value === 'string'),
  ...['Bitcast', 'Relu6Grad', 'ReluGrad', 'StatelessRandomUniformFullIntV2'],
]);
const kernels = new Map();
for (const kernel of all(ask('kernels', 'TF_GetAllRegisteredKernels(TF_NewStatus())'), 1)) {
  const [op, device, label] = [text(kernel, 1), text(kernel, 2), text(kernel, 5)];
  // A kernel for DEFAULT serves every device that has none of its own.
  if (!called.has(op) || label !== '' || (device !== 'GPU' && device !== 'DEFAULT')) continue;
  const host = all(kernel, 4).map(String);
  const onHost = outputs.get(op).length > 0 && outputs.get(op).every((name) => host.includes(name));
  const found = kernels.get(op) ?? {};
  for (const types of combinations(kernel)) if (found[types] !== 'gpu') found[types] = onHost ? 'host' : 'gpu';
  kernels.set(op, found);
}
rmSync(scratch, { recursive: true });

const about =
  "gpu: computed on the GPU; host: placed with the GPU's kernels, which compute and keep this type in the memory of the host";
const source = 'TF_GetAllRegisteredKernels of the PyPI wheel tensorflow 2.9.1 (cp310, manylinux2014_x86_64)';
const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
const listed = sorted(Object.fromEntries([...kernels].map(([op, found]) => [op, sorted(found)])));
writeFileSync(
  join(import.meta.dirname, 'gpu-kernels.json'),
  `${JSON.stringify({ source, about, kernels: listed }, null, 2)}\n`,
);
console.log(`${kernels.size} operations`);
