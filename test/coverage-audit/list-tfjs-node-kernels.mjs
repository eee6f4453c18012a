#!/usr/bin/env node
// Writes tfjs-node-kernels.json: the kernels that @tensorflow/tfjs-node registers, read from its tarball, which is plain
// JavaScript. The package itself can't be installed where its binary doesn't download.
//   node test/coverage-audit/list-tfjs-node-kernels.mjs [version]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';

const name = '@tensorflow/tfjs-node';
const version = process.argv[2] ?? '4.22.0';
const folder = mkdtempSync(join(tmpdir(), 'tfjs-node-'));
const tarball = execFileSync('npm', ['pack', `${name}@${version}`, '--silent'], {
  cwd: folder,
  encoding: 'utf8',
}).trim();
execFileSync('tar', ['xzf', tarball], { cwd: folder });
const read = (path) => readFileSync(join(folder, 'package/dist', path), 'utf8');

const names = new Map(Object.entries(tf));

const index = read('register_all_kernels.js');
const files = new Map(
  [...index.matchAll(/var (\w+) = require\("\.\/(kernels\/\w+)"\)/g)].map(([, id, path]) => [id, path]),
);
const kernels = [...index.matchAll(/^\s+(\w+)\.\w+Config,?$/gm)].map(([, id]) => {
  const [, constant, literal] = /kernelName: (?:\w+\.(\w+)|'(\w+)')/.exec(read(`${files.get(id)}.js`)) ?? [];
  const kernel = literal ?? names.get(constant);
  if (typeof kernel !== 'string') throw new Error(`no kernel name found in ${files.get(id)}.js`);
  return kernel;
});
if (kernels.length < files.size) throw new Error(`${files.size} kernel files, but ${kernels.length} are registered`);
rmSync(folder, { recursive: true });

const target = join(import.meta.dirname, 'tfjs-node-kernels.json');
const source = `${tarball}: package/dist/register_all_kernels.js`;
writeFileSync(target, `${JSON.stringify({ name, version, source, kernels: kernels.sort() }, null, 2)}\n`);
console.log(`${kernels.length} kernels of ${name} ${version}`);
