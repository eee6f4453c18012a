/** A column of a table; numbers go to the right. */
export interface SheetColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** A column of numbers. */
export const numberColumn = (title: string): SheetColumn => ({ title, align: 'right' });

/** A part of a sheet: a paragraph (of one line), a heading, a list, or a table. */
export type SheetBlock =
  | string
  | { readonly heading: string; readonly level: 1 | 2 | 3 }
  | { readonly list: readonly string[] }
  | { readonly columns: readonly SheetColumn[]; readonly rows: readonly (readonly string[])[] };

/** A result as a reader sees it, in no format yet. A block that is null is left out. */
export type Sheet = readonly (SheetBlock | null)[];

/** The texts of one kind of block in one format, put together with `between`. */
interface Format {
  readonly between: string;
  text(text: string): string;
  heading(text: string, level: number): string;
  list(items: readonly string[]): string;
  table(columns: readonly SheetColumn[], rows: readonly (readonly string[])[]): string;
}

const aligned = (text: string, width: number, { align }: SheetColumn) =>
  align === 'right' ? text.padStart(width) : text.padEnd(width);

const PLAIN: Format = {
  between: '\n\n',
  text: (text) => text,
  heading: (text) => text,
  list: (items) => items.map((item) => `- ${item}`).join('\n'),
  table(columns, rows) {
    const all = [columns.map(({ title }) => title), ...rows];
    const widths = columns.map((_, at) => Math.max(...all.map((row) => row[at]!.length)));
    const line = (row: readonly string[]) => row.map((cell, at) => aligned(cell, widths[at]!, columns[at]!)).join('  ');
    return all.map((row) => line(row).trimEnd()).join('\n');
  },
};

/** In a cell a bar would begin the next one, as `|w|` does. */
const markdownCell = (text: string) => text.replaceAll('|', '\\|');
const markdownRow = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

const MARKDOWN: Format = {
  between: '\n\n',
  text: (text) => text,
  heading: (text, level) => `${'#'.repeat(level)} ${text}`,
  list: (items) => items.map((item) => `- ${item}`).join('\n'),
  table: (columns, rows) =>
    [
      columns.map(({ title }) => markdownCell(title)),
      columns.map(({ align }) => (align === 'right' ? '--:' : '---')),
      ...rows.map((row) => row.map(markdownCell)),
    ]
      .map(markdownRow)
      .join('\n'),
};

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text that HTML and XML show as it is, also in an attribute. */
export const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => ENTITIES[sign]!);

const HTML: Format = {
  between: '\n',
  text: (text) => `<p>${escaped(text)}</p>`,
  heading: (text, level) => `<h${level}>${escaped(text)}</h${level}>`,
  list: (items) => `<ul>${items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`,
  table(columns, rows) {
    const cell = (tag: string, text: string, at: number) =>
      `<${tag} style="text-align:${columns[at]!.align ?? 'left'}">${escaped(text)}</${tag}>`;
    const row = (tag: string, cells: readonly string[]) =>
      `<tr>${cells.map((text, at) => cell(tag, text, at)).join('')}</tr>`;
    const head = row(
      'th',
      columns.map(({ title }) => title),
    );
    return `<table><thead>${head}</thead><tbody>${rows.map((cells) => row('td', cells)).join('')}</tbody></table>`;
  },
};

function written(sheet: Sheet, format: Format): string {
  return sheet
    .flatMap((block) => {
      if (block === null) return [];
      if (typeof block === 'string') return [format.text(block)];
      if ('heading' in block) return [format.heading(block.heading, block.level)];
      if ('list' in block) return [format.list(block.list)];
      return [format.table(block.columns, block.rows)];
    })
    .join(format.between);
}

/** A sheet as text with columns of one width. */
export const plainText = (sheet: Sheet): string => written(sheet, PLAIN);

/** A sheet in Markdown, its tables those of GitHub. */
export const markdown = (sheet: Sheet): string => written(sheet, MARKDOWN);

/** A sheet in HTML; whatever its texts hold is shown, not run. */
export const html = (sheet: Sheet): string => written(sheet, HTML);
