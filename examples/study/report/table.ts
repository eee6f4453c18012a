/** A table of the report: the same cells in the terminal, in HTML and in CSV. */
export interface Table {
  /** Its file name without ending. */
  readonly id: string;
  readonly title: string;
  /** How to read it. */
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface Cell {
  readonly text: string;
  /** Coloured only where it is shown. */
  readonly mark?: 'better' | 'worse' | 'best';
}

export const cell = (text: string | number, mark?: Cell['mark']): Cell => ({
  text: String(text),
  ...(mark && { mark }),
});

const MARKS = { better: '+', worse: '−', best: '*' } as const;

export function tableText({ title, columns, rows, caption }: Table): string {
  const lines = [columns, ...rows.map((row) => row.map(({ text, mark }) => `${text}${mark ? ` ${MARKS[mark]}` : ''}`))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const joined = (line: readonly string[]) =>
    line
      .map((text, column) => (column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)))
      .join('  ');
  const [head, ...body] = lines.map(joined);
  return [title, head, widths.map((width) => '─'.repeat(width)).join('  '), ...body, caption].join('\n');
}

export function tableCsv({ columns, rows }: Table): string {
  const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [columns, ...rows.map((row) => row.map(({ text }) => text))];
  return lines.map((line) => `${line.map(quoted).join(',')}\n`).join('');
}

export function tableHtml({ title, columns, rows, caption }: Table): string {
  const head = columns.map((column) => `<th>${escaped(column)}</th>`).join('');
  const body = rows.map(
    (row) =>
      `<tr>${row.map(({ text, mark }) => `<td${mark ? ` class="${mark}"` : ''}>${escaped(text)}</td>`).join('')}</tr>`,
  );
  return `<h3>${escaped(title)}</h3><div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table></div><p><small>${escaped(caption)}</small></p>`;
}

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
