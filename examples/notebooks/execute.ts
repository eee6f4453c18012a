/** Executes a notebook from top to bottom with nbconvert and the Deno kernel, in a project of its own. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

interface Output {
  readonly output_type: string;
  readonly data?: Readonly<Record<string, string | readonly string[]>>;
}

export interface Cell {
  readonly id: string;
  readonly cell_type: 'code' | 'markdown';
  readonly source: string | readonly string[];
  outputs?: readonly Output[];
  execution_count?: number | null;
}

export interface Notebook {
  readonly cells: readonly Cell[];
}

const root = join(import.meta.dirname, '../..');
const packages = ['core', 'kernels', 'lsq', 'measures', 'corruptions', 'models'];
const others = ['@tensorflow', '@observablehq', 'mnist', 'sharp'];
const deno = process.env.DENO ?? 'deno';
const nbconvert = 'jupyter-nbconvert';

const run = (program: string, args: readonly string[], folder: string, env: object = {}, input = '') =>
  new Promise<string>((resolve, reject) => {
    const kept = Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_)/.test(name));
    const options = { cwd: folder, env: { ...Object.fromEntries(kept), ...env }, maxBuffer: 1 << 26, timeout: 200_000 };
    const child = execFile(program, args, options, (error, stdout, stderr) =>
      error ? reject(new Error(`${program} failed: ${stdout}${stderr || error.message}`)) : resolve(stdout),
    );
    child.stdin?.on('error', () => {}).end(input);
  });

/** What has to be installed before notebooks can be executed; null where everything is there. */
export async function missingTool(): Promise<string | null> {
  const lacks = (program: string) =>
    run(program, ['--version'], root).then(
      () => false,
      () => true,
    );
  if (await lacks(nbconvert)) return `${nbconvert} is not installed (Debian: apt-get install jupyter-nbconvert)`;
  if (await lacks(deno)) return 'Deno is not installed (npm install -g deno, or name its program in DENO)';
  return null;
}

/** A temporary copy of what the notebooks use: the packages as they would be published now, the images, a kernel. */
export async function temporaryProject(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'qgen-notebooks-'));
  mkdirSync(join(folder, 'examples/notebooks'), { recursive: true });
  cpSync(join(root, 'examples/images'), join(folder, 'examples/images'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  const link = (name: string) => {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'junction');
  };
  others.forEach(link);
  const tsup = join(root, 'node_modules/tsup/dist/cli-default.js');
  const build = async (name: string) => {
    const to = join(folder, 'node_modules/@qgen', name);
    mkdirSync(to, { recursive: true });
    cpSync(join(root, 'packages', name, 'package.json'), join(to, 'package.json'));
    const args = [tsup, '--silent', '--no-dts', '--format', 'esm', '--out-dir', join(to, 'dist')];
    await run(process.execPath, args, join(root, 'packages', name));
  };
  await Promise.all(packages.map(build));
  const kernel = join(folder, 'jupyter/kernels/deno');
  mkdirSync(kernel, { recursive: true });
  const argv = [deno, 'jupyter', '--kernel', '--conn', '{connection_file}'];
  writeFileSync(join(kernel, 'kernel.json'), JSON.stringify({ argv, display_name: 'Deno', language: 'typescript' }));
  return folder;
}

export const removeProject = (folder: string) => rmSync(folder, { recursive: true, force: true });

/**
 * The kernel sends outputs in the background and may call a cell done before; nbconvert then drops them. So a cell waits at its
 * end, and what it ends in, an expression without a semicolon, is displayed by a call that does what the kernel does.
 */
function patient(source: string): string {
  const pause = 'await new Promise((resolve) => setTimeout(resolve, 300));';
  if (/[;}]$/.test(source)) return `${source}\n${pause}`;
  const [, before = '', result] = /^([\s\S]*[;}]\n)?(\S[\s\S]*)$/.exec(source)!;
  return `${before}await Deno.jupyter.display(${result});\n${pause}`;
}

/** The notebook with the outputs of this run; rejects with the error of the first cell that fails. */
export async function execute(notebook: Notebook, project: string): Promise<Notebook> {
  const cells = notebook.cells.map((cell) =>
    cell.cell_type === 'code' ? { ...cell, source: patient([cell.source].flat().join('')) } : cell,
  );
  const jupyter = join(project, 'jupyter');
  const env = {
    JUPYTER_PATH: jupyter,
    JUPYTER_CONFIG_DIR: jupyter,
    JUPYTER_DATA_DIR: jupyter,
    JUPYTER_RUNTIME_DIR: jupyter,
    IPYTHONDIR: jupyter,
    NO_COLOR: '1',
  };
  const args = ['--to', 'notebook', '--execute', '--stdin', '--stdout', '--log-level=ERROR'];
  const folder = join(project, 'examples/notebooks');
  const executed = JSON.parse(
    await run(nbconvert, args, folder, env, JSON.stringify({ ...notebook, cells })),
  ) as Notebook;
  return {
    ...notebook,
    cells: notebook.cells.map((cell, i) => {
      const { outputs, execution_count } = executed.cells[i];
      return cell.cell_type === 'code' ? { ...cell, outputs, execution_count } : cell;
    }),
  };
}
