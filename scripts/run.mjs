#!/usr/bin/env node
// `npm run NAME` on a machine that has only Node and npm: installs what is missing, then starts NAME.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(root, 'node_modules', name);
const source = ['--conditions=@qgen/source', '--import', 'tsx'];

const commands = {
  study: [...source, 'examples/study/study.ts'],
  test: [bin('vitest/vitest.mjs'), 'run'],
  native: ['scripts/native.mjs'],
  bench: [...source, 'bench/bench.ts'],
  landscapes: [...source, 'examples/tools/landscapes.ts'],
  gallery: [...source, 'examples/tools/gallery.ts'],
  lab: [...source, 'examples/tools/lab.ts'],
  example: [...source, 'examples/tools/example.ts'],
  lint: [bin('@biomejs/biome/bin/biome'), 'ci', '.'],
  typecheck: [bin('typescript/bin/tsc'), '--noEmit', '-p', 'tsconfig.json'],
  api: ['scripts/api.mjs'],
  docs: ['scripts/docs.mjs'],
  notebooks: [...source, 'examples/notebooks/refresh.ts'],
  knip: [bin('knip/bin/knip.js'), '--no-progress'],
  size: [bin('size-limit/bin.js')],
  changeset: [bin('@changesets/cli/bin.js')],
  release: ['scripts/release.mjs'],
};

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`qgen: Node 20.19 or newer is needed, this is ${process.versions.node}`);
  process.exit(2);
}

const read = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);
const pnpm = (...args) => {
  const { packageManager } = JSON.parse(read(join(root, 'package.json')));
  const { status } = spawnSync('npx', ['-y', packageManager, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
};

const [name, ...args] = process.argv.slice(2);
const installed = read(join(root, 'node_modules/.pnpm/lock.yaml')) === read(join(root, 'pnpm-lock.yaml'));
if (!installed) {
  console.log('Setting up: installing the dependencies (once) …');
  pnpm('install', '--frozen-lockfile', '--reporter=append-only');
}
if (name === 'build') pnpm('-r', '--filter', './packages/*', 'build');
else if (name === 'audit') pnpm('audit', ...args);
else if (name === 'bump') {
  // What `changeset version` does to the manifests is carried over to the lock file.
  const { status } = spawnSync(process.execPath, [...commands.changeset, 'version'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  pnpm('install', '--lockfile-only');
} else if (commands[name])
  process.exit(spawnSync(process.execPath, [...commands[name], ...args], { cwd: root, stdio: 'inherit' }).status ?? 1);
else {
  console.error(`qgen: no command ${name}; there are audit, build, bump, ${Object.keys(commands).join(', ')}`);
  process.exit(2);
}
