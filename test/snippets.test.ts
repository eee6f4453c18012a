import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bin, packages, run } from './packed';

/** A ```ts block of a Markdown file. */
interface Snippet {
  readonly markdown: string;
  /** The line of the Markdown file that the first line of code stands on, from 1. */
  readonly line: number;
  readonly code: string;
  /** Why the block is not run: what stands behind `not run:` on the line that opens it. */
  readonly reason?: string;
}

// Inside the repository, where the packages resolve, and ignored by git.
const folder = join(__ROOT__, 'node_modules/.cache/snippets');

const markdownIn = (under: string): string[] =>
  readdirSync(join(__ROOT__, under), { withFileTypes: true }).flatMap((entry) => {
    const path = join(under, entry.name);
    if (entry.isDirectory()) return ['.vitepress', 'api-reports'].includes(entry.name) ? [] : markdownIn(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });

function snippetsOf(markdown: string): Snippet[] {
  const lines = readFileSync(join(__ROOT__, markdown), 'utf8').split('\n');
  const found: Snippet[] = [];
  for (let start = 0; start < lines.length; start++) {
    const fence = /^(\s*)(`{3,})(\S*)(?:\s+not run: (.+))?/.exec(lines[start]!);
    if (!fence) continue;
    const [, indentation, ticks, language, reason] = fence;
    const closing = (line: string) => line.trim() === ticks;
    const end = lines.findIndex((line, at) => at > start && closing(line));
    if (end < 0) throw new Error(`${markdown}:${start + 1}: a block that is not closed`);
    if (/^(ts|typescript|js|javascript)$/.test(language!)) {
      const code = lines.slice(start + 1, end).map((line) => line.slice(indentation!.length));
      found.push({ markdown, line: start + 2, code: code.join('\n'), reason });
    }
    start = end;
  }
  return found;
}

/** Puts a snippet into a module whose lines are numbered as in the Markdown file, so that errors name the right one. */
function write({ markdown, line, code }: Snippet): string {
  const name = `${relative('.', markdown).replace(/[^\w]+/g, '-')}-${line}.mts`;
  // `export {}` makes a module of a snippet that imports nothing.
  writeFileSync(join(folder, name), `${'\n'.repeat(line - 1)}${code}\nexport {};\n`);
  return name;
}

// The Chinese pages repeat the code of the English ones; the same text runs once.
const all = ['README.md', ...packages.map((name) => `packages/${name}/README.md`), ...markdownIn('docs')].flatMap(
  snippetsOf,
);
const snippets = all.filter(({ code }, at) => all.findIndex((other) => other.code === code) === at);

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const files = new Map(snippets.map((snippet) => [snippet, write(snippet)]));

/** The output of a command, with the names of the Markdown files for those of the modules. */
const said = (output: string) =>
  [...files].reduce(
    (text, [{ markdown }, file]) =>
      text.replaceAll(file, markdown).replaceAll(/\S*node_modules\/.cache\/snippets\//g, ''),
    output,
  );

describe('the code in README.md, docs and the READMEs of the packages', () => {
  beforeAll(() => expect(snippets.length).toBeGreaterThan(0));

  it('type-checks', async () => {
    const compilerOptions = {
      types: ['node'],
      typeRoots: [bin('@types')],
      noUnusedLocals: false,
      noUnusedParameters: false,
    };
    const config = { extends: join(__ROOT__, 'tsconfig.base.json'), compilerOptions, files: [...files.values()] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const { code, output } = await run(process.execPath, [bin('typescript/bin/tsc'), '-p', folder], __ROOT__);
    expect(code, said(output)).toBe(0);
  }, 120_000);

  describe.concurrent('runs alone', () => {
    const titled = snippets.map((snippet) => [`${snippet.markdown}:${snippet.line}`, snippet] as const);
    it.for(titled)('%s', { timeout: 120_000 }, async ([, snippet], { skip }) => {
      if (snippet.reason) skip(snippet.reason);
      const args = ['--conditions=@qgen/source', '--import', 'tsx', join(folder, files.get(snippet)!)];
      const { code, output } = await run(process.execPath, args, __ROOT__);
      expect(code, said(output)).toBe(0);
    });
  });
});
