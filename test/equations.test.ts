/**
 * Every row of docs/equations.md names a line of a file and the code on it. `npm test -- --project node test/equations -u`
 * writes them anew where lines have moved, within a file or to another one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const page = join(__ROOT__, 'docs/equations.md');
const ROW = /\| \[(?<file>[^\]]+):\d+\]\(\.\.\/[^)]+#L\d+\) \| `(?<code>.+)` \|$/;

const linesOf = (file: string) => readFileSync(join(__ROOT__, file), 'utf8').split('\n');

const sources = readdirSync(join(__ROOT__, 'packages'))
  .map((name) => `packages/${name}/src`)
  .filter((folder) => existsSync(join(__ROOT__, folder)))
  .flatMap((folder) =>
    readdirSync(join(__ROOT__, folder), { recursive: true, encoding: 'utf8' }).map(
      (path) => `${folder}/${path.replaceAll('\\', '/')}`,
    ),
  )
  .filter((file) => file.endsWith('.ts'));

/** The numbers of the lines of a file that hold this code. */
const linesWith = (file: string, code: string) =>
  existsSync(join(__ROOT__, file)) ? linesOf(file).flatMap((line, i) => (line.includes(code) ? [i + 1] : [])) : [];

/** The row with the only line that holds its code, in its file or in the one that the code has moved to. */
function refreshed(row: string, faults: string[]): string {
  const { file, code } = ROW.exec(row)?.groups ?? {};
  if (!file || !code) {
    faults.push(`not of the form | equation | source | [file:line](../file#Lline) | code |: ${row}`);
    return row;
  }
  const files = linesWith(file, code).length > 0 ? [file] : sources.filter((each) => linesWith(each, code).length > 0);
  const found = files.flatMap((each) => linesWith(each, code).map((line) => ({ each, line })));
  const [place] = found;
  if (!place || found.length > 1) {
    const places = found.map(({ each, line }) => `${each}:${line}`).join(', ') || 'no line';
    faults.push(`${code} (${file}) must be on one line, is on ${places}; write what computes the equation now`);
    return row;
  }
  return row.replace(ROW, () => `| [${place.each}:${place.line}](../${place.each}#L${place.line}) | \`${code}\` |`);
}

it('finds every equation of docs/equations.md on the line that the page names', async () => {
  const lines = linesOf('docs/equations.md');
  const isRow = (line: string) => line.startsWith('| ') && !line.startsWith('| equation |');
  expect(lines.filter(isRow).length).toBeGreaterThan(100);
  const faults: string[] = [];
  const right = lines.map((line) => (isRow(line) ? refreshed(line, faults) : line)).join('\n');
  expect(faults).toEqual([]);
  await expect(right, 'lines have moved; run this test with -u').toMatchFileSnapshot(page);
});
