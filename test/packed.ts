import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const packages = ['core', 'kernels', 'lsq', 'measures', 'corruptions', 'models'] as const;

/** The output of a command, and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly output: string;
  /** The last line of the standard output, where the programs of `test/consumer` put their result. */
  readonly lastLine: string;
}

/** Runs a program as a stranger's shell would, without what vitest put into the environment; never throws. */
export function run(program: string, args: readonly string[], folder: string): Promise<Outcome> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|NODE_|npm_|TEST$|DEV$|PROD$|MODE$)/.test(name),
  );
  const options = { cwd: folder, env: Object.fromEntries(kept), maxBuffer: 1 << 26, timeout: 280_000 };
  return new Promise((resolve) => {
    execFile(program, args, { ...options, shell: process.platform === 'win32' }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error ? 1 : 0;
      const lastLine = stdout.trimEnd().split('\n').at(-1) ?? '';
      resolve({ code, output: `${program} ${args.join(' ')}\n${stdout}${stderr}`, lastLine });
    });
  });
}

/** `node` with a program of the repository's own tools, say `bin('vite/bin/vite.js')`. */
export const bin = (name: string) => join(__ROOT__, 'node_modules', name);

/** Packs every package with `npm pack`, which builds it first; returns the path of each tarball. */
export async function pack(folder: string): Promise<Record<string, string>> {
  const tarballs = packages.map(async (name) => {
    const packed = await run('npm', ['pack', '--pack-destination', folder], join(__ROOT__, 'packages', name));
    if (packed.code) throw new Error(packed.output);
    return [name, join(folder, packed.lastLine)] as const;
  });
  return Object.fromEntries(await Promise.all(tarballs));
}

/** A stranger's project: where it lies, or why it could not be made. */
export type Project = { readonly folder: string } | { readonly reason: string };

/** A fresh project with the tarballs and tfjs, installed by `manager`, and the programs of `test/consumer` in it. */
export async function project(
  manager: 'npm' | 'pnpm',
  folder: string,
  tarballs: Readonly<Record<string, string>>,
): Promise<Project> {
  mkdirSync(folder);
  for (const file of readdirSync(`${__ROOT__}/test/consumer`))
    cpSync(`${__ROOT__}/test/consumer/${file}`, join(folder, file));
  const tfjs = ['core', 'layers', 'backend-cpu', 'backend-wasm'].map((name) => [`@tensorflow/tfjs-${name}`, '^4.22.0']);
  const ours = packages.map((name) => [`@qgen/${name}`, `file:${tarballs[name]}`]);
  const manifest = {
    private: true,
    type: 'module',
    dependencies: Object.fromEntries([...tfjs, ...ours, ['@observablehq/plot', '^0.6.17']]),
    // Until the packages are on a registry, pnpm has to be told where those that others depend on are.
    pnpm: { overrides: { '@qgen/core': `file:${tarballs.core}`, '@qgen/kernels': `file:${tarballs.kernels}` } },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  const { packageManager } = JSON.parse(readFileSync(`${__ROOT__}/package.json`, 'utf8')) as { packageManager: string };
  const options = ['--prefer-offline', '--fetch-retries=1', '--fetch-retry-mintimeout=1000'];
  const installed =
    manager === 'npm'
      ? await run('npm', ['install', '--no-audit', '--no-fund', ...options], folder)
      : await run('npx', ['-y', ...options, packageManager, 'install', ...options], folder);
  if (installed.code) {
    // Without a network npm may well complain of something else, so the registry is asked.
    const { code } = await run('npm', ['ping', '--fetch-retries=0'], folder);
    if (code) return { reason: `${manager} can't install here: the registry doesn't answer` };
    throw new Error(installed.output);
  }
  return { folder };
}
