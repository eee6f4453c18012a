import { findings, scaleText } from './findings';
import type { Trial } from './results';
import { PAC_BAYES } from './results';

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
const number = (value: number | null, digits = 3) => (value === null ? '—' : value.toPrecision(digits));

/** The columns of the table, the same in the terminal and in the report. ↑ larger is better or flatter, ↓ smaller. */
export const COLUMNS: readonly { readonly title: string; readonly cell: (trial: Trial) => string }[] = [
  { title: 'bits', cell: ({ bits }) => String(bits) },
  { title: 'train loss ↓', cell: ({ train }) => train.loss.toFixed(4) },
  { title: 'test loss ↓', cell: ({ test }) => test.loss.toFixed(4) },
  { title: 'train acc ↑', cell: ({ train }) => percent(train.accuracy) },
  { title: 'test acc ↑', cell: ({ test }) => percent(test.accuracy) },
  { title: 'gap ↓', cell: ({ gap }) => `${gap.loss.toFixed(4)} ± ${gap.standardError.toFixed(4)}` },
  { title: '‖ŵ‖₂', cell: ({ weightNorm }) => weightNorm.toFixed(2) },
  { title: 'σ ↑', cell: ({ sigma }) => scaleText(sigma) },
  { title: 'σ′ ↑', cell: ({ sigmaMagnitude }) => scaleText(sigmaMagnitude) },
  ...PAC_BAYES.map((id) => ({
    title: `${id.replace('pacBayes.', 'PB ')} ↓`,
    cell: ({ measures }: Trial) => number(measures[id].normalized),
  })),
];

/** How to read the table, beside it in the terminal and in the report. */
export function legend(trials: readonly Trial[]): string {
  return `↑ larger is better (of σ and σ′: flatter), ↓ smaller is better. PB = PAC-Bayes measure √(μ/m), no bound, dialect ${trials[0].dialect}; view of σ and PB: ${views(trials)}. ± is one standard error of a gap, half a 95 % interval of σ.`;
}

/** What a table of one training a precision can't tell. */
export const ONE_SEED =
  'Each precision was trained once: the errors are those of the data and the searches, not of another training. Run more seeds, each into its own --out, before you believe a small difference.';

/** The results as text: the table, the step sizes, the gap per distortion, and what the paper says of it. */
export function table(trials: readonly Trial[]): string {
  const ordered = [...trials].sort((a, b) => b.bits - a.bits);
  if (!ordered.length) return 'No finished trials.';
  const quantized = ordered.filter(({ stepSizes }) => stepSizes.length);
  const parts = [
    grid([COLUMNS.map(({ title }) => title), ...ordered.map((trial) => COLUMNS.map(({ cell }) => cell(trial)))]),
    legend(ordered),
  ];
  if (quantized.length)
    parts.push(
      'Step size per layer',
      grid([
        ['bits', ...quantized[0].stepSizes.map(({ layer }) => layer)],
        ...quantized.map(({ bits, stepSizes }) => [String(bits), ...stepSizes.map(({ step }) => number(step))]),
      ]),
    );
  parts.push(
    'Gap on distorted test images (their loss − clean training loss; smaller is better)',
    grid([
      ['distortion', 'severity', ...ordered.map(({ bits }) => `${bits} bits`)],
      ...ordered[0].corruptions.map(({ name, severity }, i) => [
        name,
        String(severity),
        ...ordered.map(({ corruptions }) => corruptions[i].gap.toFixed(3)),
      ]),
    ]),
    ...findings(ordered).map(
      ({ claim, verdict, where, evidence }) => `${claim}: ${verdict.toUpperCase()} (${where})\n  ${evidence}`,
    ),
    ONE_SEED,
  );
  return parts.join('\n\n');
}

/** Which weights were perturbed and scored, said beside every table of measures. */
function views(trials: readonly Trial[]): string {
  return trials.map(({ bits, view }) => `${bits} bits ${view}`).join(', ');
}

/** Rows as lines with aligned columns, the first row underlined. */
function grid(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padStart(widths[column])).join('  ');
  return [line(rows[0]), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.slice(1).map(line)].join('\n');
}
