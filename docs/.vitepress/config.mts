import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DefaultTheme, defineConfig } from 'vitepress';

/** The folder of the pages, which `npm run docs` puts together before it builds them. */
const pages = join(dirname(fileURLToPath(import.meta.url)), '..');
const named = (folder: string) =>
  readdirSync(join(pages, folder))
    .filter((name) => name.endsWith('.md') && name !== 'index.md')
    .map((name) => ({ text: name.slice(0, -3), link: `/${folder}/${name.slice(0, -3)}` }));
const there = (items: readonly { readonly text: string; readonly link: string }[]) =>
  items.filter(({ link }) => existsSync(join(pages, `${link}.md`)));

const guides: DefaultTheme.SidebarItem[] = [
  {
    text: 'Start',
    items: there([
      { text: 'Getting started', link: '/getting-started' },
      { text: 'Choosing a measure', link: '/choosing-a-measure' },
      { text: 'From float to 4 bits', link: '/float-to-4-bits' },
      { text: 'The corruptions in pictures', link: '/corruptions' },
    ]),
  },
  {
    text: 'Go further',
    items: there([
      { text: "Models with PyTorch's weights", link: '/models' },
      { text: 'Training recipes', link: '/recipes' },
      { text: 'Export to ONNX', link: '/deploying' },
      { text: 'Backends', link: '/backends' },
      { text: 'Contributing', link: '/contributing' },
    ]),
  },
  {
    text: 'Science',
    items: there([
      { text: 'Findings', link: '/findings' },
      { text: 'Reproducing QGen', link: '/reproducing-qgen' },
      { text: 'Theory', link: '/theory' },
      { text: 'Every equation with its line', link: '/equations' },
      { text: 'Benchmarks', link: '/benchmarks' },
    ]),
  },
];
const learning: DefaultTheme.SidebarItem[] = [
  { text: 'Notebooks', link: '/notebooks/', items: named('notebooks') },
  { text: 'Examples', items: named('examples') },
];
const api = ['lsq', 'measures', 'corruptions', 'models', 'kernels', 'core'].map((name) => ({
  text: `@qgen/${name}`,
  link: `/api/@qgen/${name}/`,
}));

export default defineConfig({
  title: 'QGen',
  description:
    'Quantize networks, measure how flat their minima are, and test them on distorted images, in TensorFlow.js',
  cleanUrls: true,
  // Typedoc and the guides write types as List<T>; nothing here is a Vue template.
  markdown: { html: true },
  locales: {
    root: { label: 'English', lang: 'en' },
    zh: {
      label: '中文',
      lang: 'zh-CN',
      themeConfig: {
        nav: [
          { text: '入门', link: '/zh/getting-started' },
          { text: '理论', link: '/zh/theory' },
          { text: 'API', link: '/api/' },
        ],
        sidebar: [
          {
            text: '指南',
            items: [
              { text: '入门', link: '/zh/getting-started' },
              { text: '理论', link: '/zh/theory' },
            ],
          },
        ],
        outline: { label: '本页' },
        docFooter: { prev: '上一页', next: '下一页' },
      },
    },
  },
  themeConfig: {
    // Not every page has a translation.
    i18nRouting: false,
    nav: [
      { text: 'Guides', link: '/getting-started' },
      { text: 'Examples', link: '/notebooks/' },
      { text: 'API', link: '/api/' },
      ...there([{ text: 'Findings', link: '/findings' }]),
      { text: 'Benchmarks', link: '/benchmarks' },
    ],
    sidebar: {
      '/notebooks/': learning,
      '/examples/': learning,
      '/api/': [{ text: 'API', link: '/api/', items: api }],
      '/': guides,
    },
    outline: { level: [2, 3] },
    search: { provider: 'local' },
  },
});
