#!/usr/bin/env node
// `npm run docs` builds the site into site/.vitepress/dist: the guides of docs/ in both languages, the examples, the notebooks,
// and the API as typedoc reads it. It fails on a link to nowhere.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const site = join(root, 'site');
const text = (path) => readFileSync(join(root, path), 'utf8');
/** The files under a folder with this ending, as paths from the root of the repository. */
const under = (folder, ending) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();

const guides = under('docs', '.md').filter((path) => !/^docs\/(api-reports|\.vitepress)\//.test(path));
const examples = readdirSync(join(root, 'examples')).filter((name) => /(?<!\.test)\.ts$/.test(name));
const notebooks = under('examples/notebooks', '.ipynb').map((path) => posix.basename(path));
const packages = readdirSync(join(root, 'packages'));

/** The page of the site that shows a file of the repository. */
const pages = new Map([
  ...guides.map((path) => [path, `/${path.slice('docs/'.length, -'.md'.length)}`]),
  ['CONTRIBUTING.md', '/contributing'],
  ['README.md', '/'],
  ...examples.map((name) => [`examples/${name}`, `/examples/${name.slice(0, -3)}`]),
  ...notebooks.map((name) => [`examples/notebooks/${name}`, `/notebooks/${name.slice(0, -6)}`]),
  ['examples/notebooks/README.md', '/notebooks/'],
  ['examples/notebooks', '/notebooks/'],
  ...packages.flatMap((name) => ['', '/README.md'].map((end) => [`packages/${name}${end}`, `/api/@qgen/${name}/`])),
]);

const problems = [];

/** Markdown whose links lead to pages of the site. A file that no page shows keeps its name and loses its link. */
function linked(markdown, from) {
  let fenced = false;
  return markdown
    .split('\n')
    .map((line) => {
      if (/^\s*```/.test(line)) fenced = !fenced;
      return fenced ? line : line.replace(/(!?)\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)/g, link);
    })
    .join('\n');

  function link(whole, image, label, target) {
    if (/^([a-z]+:|#)/.test(target)) return whole;
    const [path, hash] = target.split('#');
    const file = posix.normalize(posix.join(posix.dirname(from), path)).replace(/\/$/, '');
    if (!existsSync(join(root, file))) {
      problems.push(`${from}: the link to ${target} leads to no file`);
      return label;
    }
    if (file.startsWith('docs/images/')) return `${image}[${label}](/${file.slice('docs/'.length)})`;
    const page = pages.get(file);
    return page === undefined ? label : `[${label}](${page}${hash ? `#${hash}` : ''})`;
  }
}

function write(path, content) {
  mkdirSync(dirname(join(site, path)), { recursive: true });
  writeFileSync(join(site, path), content);
}

/** An example as a page: what its first comment says, and its code. */
function examplePage(name) {
  const code = text(`examples/${name}`);
  const [, comment = ''] = /^\/\*\*([\s\S]*?)\*\//.exec(code) ?? [];
  const words = comment.replace(/^\s*\* ?/gm, '').trim();
  const body = code.replace(/^\/\*\*[\s\S]*?\*\/\n*/, '');
  return `# ${name.slice(0, -3)}\n\n${words}\n\n\`\`\`ts\n${body.trimEnd()}\n\`\`\`\n`;
}

/** A notebook as a page: its cells with the outputs of the committed run. */
function notebookPage(name) {
  const { cells } = JSON.parse(text(`examples/notebooks/${name}`));
  const joined = (source) => [source].flat().join('');
  let pictures = 0;
  const shown = ({ data, text: stream }) => {
    if (stream) return `\`\`\`text\n${joined(stream).trimEnd()}\n\`\`\``;
    if (data?.['image/svg+xml']) {
      const file = `notebooks/${name.slice(0, -6)}-${++pictures}.svg`;
      write(`public/${file}`, joined(data['image/svg+xml']));
      return `![A picture that the cell above draws](/${file})`;
    }
    const html = data?.['text/html'] && joined(data['text/html']);
    if (html && !data['text/markdown']) return `<div v-pre>\n${html}\n</div>`;
    if (data?.['text/markdown']) return joined(data['text/markdown']);
    return data?.['text/plain'] ? `\`\`\`text\n${joined(data['text/plain'])}\n\`\`\`` : '';
  };
  return cells
    .map(({ cell_type, source, outputs = [] }) =>
      cell_type === 'markdown'
        ? linked(joined(source), `examples/notebooks/${name}`)
        : [`\`\`\`ts\n${joined(source)}\n\`\`\``, ...outputs.map(shown)].join('\n\n'),
    )
    .join('\n\n');
}

function node(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(site, { recursive: true, force: true });
for (const path of guides) write(`${path.slice('docs/'.length)}`, linked(text(path), path));
write('contributing.md', linked(text('CONTRIBUTING.md'), 'CONTRIBUTING.md'));
for (const name of examples) write(`examples/${name.slice(0, -3)}.md`, examplePage(name));
for (const name of notebooks) write(`notebooks/${name.slice(0, -6)}.md`, `${notebookPage(name)}\n`);
write('notebooks/index.md', linked(text('examples/notebooks/README.md'), 'examples/notebooks/README.md'));
cpSync(join(root, 'docs/images'), join(site, 'public/images'), { recursive: true });
cpSync(join(root, 'docs/.vitepress'), join(site, '.vitepress'), { recursive: true });
node(join(root, 'node_modules/typedoc/bin/typedoc'), '--logLevel', 'Warn');
// Typedoc copies the guides that the READMEs link to; they are pages already.
rmSync(join(site, 'api/_media'), { recursive: true, force: true });
for (const path of under('site/api', '.md'))
  writeFileSync(join(root, path), text(path).replace(/\]\([./]*_media\/([\w-]+)\.md/g, '](/$1'));
if (problems.length === 0) node(join(root, 'node_modules/vitepress/bin/vitepress.js'), 'build', 'site');

/** Every link within the site, on the built pages: is there a file, and on it the place? */
const dist = join(site, '.vitepress/dist');
const html = new Map();
const pageText = (file) => {
  if (!html.has(file)) html.set(file, readFileSync(file, 'utf8'));
  return html.get(file);
};
const fileOf = (path) =>
  [path, `${path}.html`, join(path, 'index.html')].find((file) => existsSync(file) && statSync(file).isFile());
let checked = 0;
for (const page of existsSync(dist) ? under('site/.vitepress/dist', '.html') : []) {
  const file = join(root, page);
  for (const [, target] of pageText(file).matchAll(/\s(?:href|src)="([^"]+)"/g)) {
    if (/^[a-z]+:|^\/\//.test(target)) continue;
    checked++;
    const [path, hash] = decodeURI(target).split('#');
    const to = path === '' ? file : fileOf(path.startsWith('/') ? join(dist, path) : join(dirname(file), path));
    const place = hash ? decodeURIComponent(hash).replaceAll('&', '&amp;') : '';
    if (!to) problems.push(`${relative(dist, file)}: ${target} leads nowhere`);
    else if (place && !pageText(to).includes(`id="${place}"`))
      problems.push(`${relative(dist, file)}: there is no place ${target}`);
  }
}
for (const problem of new Set(problems)) console.error(`docs: ${problem}`);
if (problems.length > 0) process.exit(1);
console.log(`docs: ${checked} links are good; the site is in site/.vitepress/dist`);
