/**
 * Every row of docs/equations.md names a line of a file and the code on it. `npm test -- --project node test/equations -u`
 * writes the numbers anew where lines have moved.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const page = join(__ROOT__, 'docs/equations.md');
const ROW = /\| \[(?<file>[^\]]+):\d+\]\(\.\.\/[^)]+#L\d+\) \| `(?<code>.+)` \|$/;

/** The row with the number of the only line of its file that holds its code; what is wrong goes to `faults`. */
function refreshed(row: string, faults: string[]): string {
  const { file, code } = ROW.exec(row)?.groups ?? {};
  if (!file || !code) {
    faults.push(`not of the form | equation | source | [file:line](../file#Lline) | code |: ${row}`);
    return row;
  }
  const lines = readFileSync(join(__ROOT__, file), 'utf8').split('\n');
  const [line, ...others] = [...lines.keys()].filter((i) => lines[i]!.includes(code)).map((i) => i + 1);
  if (!line) faults.push(`no line of ${file} holds ${code}`);
  if (others.length > 0) faults.push(`lines ${line}, ${others.join(', ')} of ${file} hold ${code}; name more of one`);
  return row.replace(ROW, () => `| [${file}:${line}](../${file}#L${line}) | \`${code}\` |`);
}

it('finds every equation of docs/equations.md on the line that the page names', async () => {
  const lines = readFileSync(page, 'utf8').split('\n');
  const isRow = (line: string) => line.startsWith('| ') && !line.startsWith('| equation |');
  expect(lines.filter(isRow).length).toBeGreaterThan(100);
  const faults: string[] = [];
  const right = lines.map((line) => (isRow(line) ? refreshed(line, faults) : line)).join('\n');
  expect(faults).toEqual([]);
  await expect(right, 'lines have moved; run this test with -u').toMatchFileSnapshot(page);
});
