/**
 * What `npm run native` says where it can't build the backend, with stand-ins for the programs that it calls and a cache of
 * its own: one line, exit code 2, and nothing left in the cache.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../scripts/native.mjs', import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qgen-native-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const works = 'exit 0';
/** Writes ten bytes as the wheel to where `--dest` says. */
const damagedWheel = `[ "$1" = --version ] && exit 0
while [ "$1" != --dest ]; do shift; done
echo "not a zip" > "$2/tensorflow_cpu-2.9.1-cp310.whl"`;
const everything = { pip3: damagedWheel, npm: works, 'g++': works, nm: works };

/** Runs the script where only these programs are found, in a process that was changed by `preload` first. */
function run(programs: Readonly<Record<string, string>>, preload = '') {
  const path = join(folder, 'bin');
  mkdirSync(path);
  for (const [name, body] of Object.entries(programs))
    writeFileSync(join(path, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(linux + preload)}`, script],
    { encoding: 'utf8', env: { PATH: path, XDG_CACHE_HOME: join(folder, 'cache') } },
  );
  return { status, stdout, lines: stderr.trim().split('\n') };
}

const without = (name: keyof typeof everything) => {
  const { [name]: _, ...rest } = everything;
  return rest;
};
const as = (field: string, value: unknown) =>
  `Object.defineProperty(process, '${field}', { value: ${JSON.stringify(value)}, configurable: true });`;
/** The machine that it can be built on. */
const linux = as('platform', 'linux') + as('arch', 'x64') + as('versions', { ...process.versions, node: '22.11.0' });

it.each([
  ['another processor', everything, as('arch', 'arm64'), /on Linux x86-64 alone, this is linux arm64/],
  ['another system', everything, as('platform', 'darwin'), /on Linux x86-64 alone, this is darwin x64/],
  [
    'Node 23',
    everything,
    as('versions', { ...process.versions, node: '23.1.0' }),
    /does not load on Node 23 and later, this is v[\d.]+; use Node 20 or 22/,
  ],
  ['no pip', without('pip3'), '', /pip is missing, which fetches the TensorFlow library; install it/],
  ['no g++', without('g++'), '', /g\+\+ is missing, which links the backend; install g\+\+ and binutils/],
  ['no nm', without('nm'), '', /nm is missing/],
  ['no npm', without('npm'), '', /npm is missing, which installs tfjs-node; install it/],
  ['a wheel that did not arrive whole', everything, '', /did not arrive whole: its SHA-256 is [0-9a-f]{64}, not 6666/],
  ['no wheel', { ...everything, pip3: works }, '', /pip3 fetched no wheel of tensorflow-cpu==2\.9\.1/],
  [
    'a registry that does not answer',
    { ...everything, pip3: '[ "$1" = --version ] && exit 0\necho "first\nno route to host" >&2\nexit 1' },
    '',
    /pip3 failed, which fetches the TensorFlow library: no route to host/,
  ],
])('%s', (_, programs, preload, message) => {
  const { status, lines } = run(programs, preload);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^native: the native backend can't be set up here: /);
  expect(lines[0]).toMatch(message);
  expect(status).toBe(2);
  const cache = join(folder, 'cache/qgen');
  expect(existsSync(cache) ? readdirSync(cache) : []).toEqual([]);
});
