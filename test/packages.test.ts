import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { preview } from 'vite';
import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from 'vitest';
import { findChromium } from './chromium';
import { bin, type Outcome, type Project, pack, packages, project, run } from './packed';

interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, unknown>>>>;
  readonly scripts?: Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly peerDependenciesMeta?: Record<string, { readonly optional: boolean }>;
}

vi.setConfig({ testTimeout: 120_000, hookTimeout: 280_000 });

const PLOT = '@observablehq/plot';
const temporary = mkdtempSync(join(tmpdir(), 'qgen-packages-'));
let tarballs: Record<string, string>;

beforeAll(async () => {
  tarballs = await pack(temporary);
});
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

/** Expects a command to have succeeded, and shows what it said where it has not. */
const succeeded = ({ code, output }: Outcome) => expect(code, output).toBe(0);

describe.each(packages)('the tarball of @qgen/%s', (name) => {
  let files: string[];
  let manifest: Manifest;
  const text = (file: string) => readFileSync(join(temporary, name, file), 'utf8');
  const codeFiles = () => files.map((file) => file.replace('package/', '')).filter((file) => /^dist\/.*js$/.test(file));

  beforeAll(async () => {
    mkdirSync(join(temporary, name));
    succeeded(await run('tar', ['xzf', tarballs[name]!, '--strip-components=1', '-C', name], temporary));
    files = (await run('tar', ['tzf', tarballs[name]!], temporary)).output.split('\n').slice(1).filter(Boolean);
    manifest = JSON.parse(text('package.json'));
  });

  it('holds the code, its sources, README, licence and changes, and nothing else', () => {
    const exported = Object.entries(manifest.exports).flatMap(([entry, by]) =>
      typeof by === 'string' ? [] : { entry: entry === '.' ? 'index' : entry.slice(2), source: by['@qgen/source'] },
    );
    const entries = exported.map(({ entry }) => entry);
    const code = `(${entries.join('|')}|chunk-[0-9A-Z]{8})\\.c?js(\\.map)?`;
    // Types that two entries share lie in a file of their own, as code does.
    const types = `(${entries.join('|')}|[a-z-]+-[\\w-]{8})\\.d\\.c?ts`;
    const wanted = new RegExp(
      `^package/(dist/(${code}|${types})|src/.*\\.ts|package\\.json|README\\.md|LICENSE|CHANGELOG\\.md)$`,
    );
    expect(files.filter((file) => !wanted.test(file))).toEqual([]);
    for (const { entry, source } of exported)
      for (const file of [...['js', 'cjs', 'd.ts', 'd.cts'].map((end) => `./dist/${entry}.${end}`), source])
        expect(files).toContain(`package/${(file as string).slice(2)}`);
    for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md']) expect(files).toContain(`package/${file}`);
  });

  it('depends on tfjs as a peer, on the packages below it, by version, and runs nothing when installed', () => {
    const below = { core: [], kernels: ['@qgen/core'] } as Readonly<Record<string, readonly string[]>>;
    expect(Object.keys(manifest.dependencies ?? {})).toEqual(below[name] ?? ['@qgen/core', '@qgen/kernels']);
    for (const range of Object.values(manifest.dependencies ?? {})) expect(range).toMatch(/^\^\d+\.\d+\.\d+$/);
    for (const peer of Object.keys(manifest.peerDependencies ?? {}))
      if (peer === PLOT) expect(manifest.peerDependenciesMeta?.[peer]).toEqual({ optional: true });
      else expect(peer).toMatch(/^@tensorflow\/tfjs-(core|layers)$/);
    expect(Object.keys(manifest.scripts ?? {})).toEqual(['build', 'prepack']);
  });

  it('imports its dependencies alone, evaluates no text, opens no connection', () => {
    const allowed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    const imports = /^(?:import|export)\b.*?["']([^"']+)["'];?$|\b(?:import|require)\s*\(\s*["']([^"']+)["']/gm;
    for (const file of codeFiles()) {
      const code = text(file);
      for (const match of code.matchAll(imports)) {
        const module = match[1] ?? match[2]!;
        if (module.startsWith('./')) expect(codeFiles()).toContain(`dist/${module.slice(2)}`);
        else expect(allowed).toContain(module.split('/').slice(0, 2).join('/'));
        // Who draws nothing needs no Plot.
        if (module === PLOT) expect(file).toMatch(/^dist\/plots?\.c?js$/);
      }
      expect(code).not.toMatch(/\beval\s*\(|\bnew\s+Function\b|\bFunction\s*\(\s*["'`]|\bsetTimeout\s*\(\s*["'`]/);
      expect(code).not.toMatch(/\bfetch\s*\(|XMLHttpRequest|\bWebSocket\b|EventSource|sendBeacon|importScripts/);
    }
  });

  it('imports nothing of @qgen/kernels that registers, unless it trains', () => {
    const trains = ['kernels', 'lsq', 'models'];
    if (!trains.includes(name))
      for (const file of codeFiles()) expect(text(file)).not.toMatch(/["']@qgen\/kernels["']/);
  });

  it('has no finding of publint', async () => {
    const bytes = readFileSync(tarballs[name]!);
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg!, { color: false }))).toEqual([]);
  });

  it('has no finding of attw', async () => {
    succeeded(await run(process.execPath, [bin('@arethetypeswrong/cli/dist/index.js'), tarballs[name]!], temporary));
  });
});

describe('the repository', () => {
  it('has no dead file, export or dependency (npm run knip)', async () => {
    succeeded(await run(process.execPath, ['scripts/run.mjs', 'knip'], __ROOT__));
  });

  it('has the public API that docs/api-reports says (npm run api)', async () => {
    succeeded(await run(process.execPath, ['scripts/run.mjs', 'api'], __ROOT__));
  });

  it('keeps every package within its size budget (npm run size)', async () => {
    succeeded(await run(process.execPath, ['scripts/run.mjs', 'size'], __ROOT__));
  });
});

interface Report {
  readonly backend: string;
  readonly distance: number;
  readonly accuracy: number;
  readonly same: boolean;
  readonly unused: readonly string[];
  readonly logits: readonly number[];
  readonly tensorsBefore: number;
  readonly tensorsAfter: number;
  readonly flatness: { readonly mu: number | null; readonly status: string };
  readonly oneClass?: boolean;
  readonly oneState?: boolean;
}

/** Checks what `everything` of test/consumer came to; gaussian noise of severity 3 in CIFAR-10-C has sigma 0.08. */
function checkEverything(result: Report): void {
  expect(result).toMatchObject({ backend: 'wasm', same: true, unused: [], logits: [60, 3] });
  expect(result.distance).toBeGreaterThan(0.04);
  expect(result.distance).toBeLessThan(0.09);
  expect(result.accuracy).toBeGreaterThan(0.8);
  expect(result.tensorsAfter).toBe(result.tensorsBefore);
  expect(result.flatness).toMatchObject({ mu: expect.any(Number), status: 'converged' });
}

describe.each(['npm', 'pnpm'] as const)("a stranger's project made with %s", (manager) => {
  let made: Project;
  beforeAll(async () => {
    made = await project(manager, join(temporary, `${manager}-project`), tarballs);
  });

  /** The folder of the project; leaves the test out where there is none. */
  const folderOf = (ctx: TestContext): string => ('folder' in made ? made.folder : ctx.skip(made.reason));
  const report = (outcome: Outcome): Report => {
    succeeded(outcome);
    return JSON.parse(outcome.lastLine);
  };

  it('quantizes, trains, measures, corrupts, saves and reloads as an ES module', async (ctx) => {
    checkEverything(report(await run(process.execPath, ['esm.mjs'], folderOf(ctx))));
  });

  it('does so as CommonJS, with the same classes as an ES module beside it', async (ctx) => {
    const result = report(await run(process.execPath, ['commonjs.cjs'], folderOf(ctx)));
    checkEverything(result);
    expect(result).toMatchObject({ oneClass: true, oneState: true });
  });

  it.for(['plots.mjs', 'plots.cjs'])('draws pictures (%s) once Observable Plot is there', async (file, ctx) => {
    const folder = folderOf(ctx);
    const pictures = report(await run(process.execPath, [file], folder)) as unknown as readonly string[];
    expect(pictures.map((svg) => svg.slice(0, 5))).toEqual(['<svg ', '<svg ', '<svg ']);
  });

  it.for(['node16', 'bundler'])('type-checks with moduleResolution %s', async (moduleResolution, ctx) => {
    const folder = folderOf(ctx);
    const module = moduleResolution === 'node16' ? 'node16' : 'esnext';
    const compilerOptions = {
      strict: true,
      skipLibCheck: true,
      noEmit: true,
      target: 'es2022',
      module,
      moduleResolution,
    };
    const files = moduleResolution === 'node16' ? ['typed.ts', 'typed.cts'] : ['typed.ts'];
    writeFileSync(join(folder, 'typed.cts'), readFileSync(join(folder, 'typed.ts')));
    writeFileSync(
      join(folder, `${moduleResolution}.json`),
      JSON.stringify({ compilerOptions: { ...compilerOptions, types: [] }, files }),
    );
    succeeded(await run(process.execPath, [bin('typescript/bin/tsc'), '-p', `${moduleResolution}.json`], folder));
  });

  it('says which backend to install where none is imported', async (ctx) => {
    const messages = report(await run(process.execPath, ['no-backend.mjs'], folderOf(ctx))) as object;
    const advice = expect.stringMatching(
      /no backend to run on, none is registered; npm install @tensorflow\/tfjs-backend-wasm/,
    );
    expect(messages).toEqual({
      corrupt: advice,
      networkInNetwork: advice,
      model: advice,
      ready: 'No backend found in registry.',
    });
  });

  if (manager === 'pnpm') return;

  it('runs in Deno', async (ctx) => {
    const folder = folderOf(ctx);
    const deno =
      (await run('deno', ['--version'], folder)).code === 0 ? ['deno'] : ['npx', '-y', '--fetch-retries=1', 'deno'];
    const [program, ...args] = deno;
    if ((await run(program!, [...args, '--version'], folder)).code)
      ctx.skip('Deno is neither installed nor to be had from npm');
    checkEverything(
      report(await run(program!, [...args, 'run', '-A', '--node-modules-dir=manual', 'esm.mjs'], folder)),
    );
  });

  it('runs in Chromium after a production build by Vite', async (ctx) => {
    const folder = folderOf(ctx);
    const executablePath = findChromium() ?? ctx.skip('no Chromium found (install one or set CHROMIUM_PATH)');
    succeeded(await run(process.execPath, [bin('vite/bin/vite.js'), 'build', '--logLevel', 'warn'], folder));
    const server = await preview({ root: folder, configFile: false, logLevel: 'error', preview: { port: 0 } });
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      const shownBy = async (name: string) => {
        await page.goto(`${server.resolvedUrls!.local[0]}${name}`);
        const result = () => document.querySelector('#result')?.textContent;
        const shown = await page.waitForFunction(result, undefined, { timeout: 90_000 });
        return JSON.parse((await shown.jsonValue())!);
      };
      checkEverything(await shownBy('browser.html'));
      expect(await shownBy('reload.html')).toEqual({ layers: 3 });
    } finally {
      await browser.close();
      await server.close();
    }
  });
});
