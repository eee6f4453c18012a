import { type LossPoint, PRECISIONS, type Sigma } from '../protocol';
import { precisionColor } from './precision';

interface Column {
  readonly number: (row: { readonly point?: LossPoint; readonly sigma?: Sigma }) => number | null | undefined;
  readonly text: (value: number) => string;
  readonly better: 'lower' | 'higher';
}

const three = (value: number) => value.toFixed(3).replace('-', '−');
const COLUMNS: readonly Column[] = [
  { number: ({ point }) => point?.train, text: three, better: 'lower' },
  { number: ({ point }) => point?.test, text: three, better: 'lower' },
  { number: ({ point }) => point && point.test - point.train, text: three, better: 'lower' },
  { number: ({ point }) => point?.accuracy, text: (value) => (100 * value).toFixed(1), better: 'higher' },
  { number: ({ sigma }) => sigma?.value, text: (value) => value.toPrecision(2), better: 'higher' },
];

/** Writes the latest numbers of the networks into the rows of a table; the best of each column is bold once
 * there was training. */
export function showNumbers(
  body: HTMLTableSectionElement,
  points: readonly (LossPoint | undefined)[],
  sigmas: readonly Sigma[],
): void {
  const table = PRECISIONS.map((_, i) => COLUMNS.map(({ number }) => number({ point: points[i], sigma: sigmas[i] })));
  const best = COLUMNS.map(({ better }, c) => {
    const known = table.flatMap((row) => (Number.isFinite(row[c]) ? [row[c] as number] : []));
    if (known.length < PRECISIONS.length || points[0]?.step === 0) return undefined;
    return better === 'lower' ? Math.min(...known) : Math.max(...known);
  });
  body.replaceChildren(
    ...PRECISIONS.map((bits, i) => {
      const row = document.createElement('tr');
      const name = document.createElement('th');
      name.scope = 'row';
      name.className = 'swatch';
      name.style.setProperty('--swatch', precisionColor(bits));
      name.textContent = String(bits);
      const cells = COLUMNS.map(({ text }, c) => {
        const cell = document.createElement('td');
        const value = table[i][c];
        cell.textContent = value == null ? '–' : Number.isFinite(value) ? text(value) : 'not finite';
        cell.classList.toggle('best', value === best[c]);
        return cell;
      });
      row.append(name, ...cells);
      return row;
    }),
  );
}
