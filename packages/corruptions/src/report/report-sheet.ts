import { numberColumn, type Sheet, type SheetBlock } from '@qgen/core';
import type { CorruptionReportData, CorruptionResult } from './report';

/** The report for a reader: a headline, accuracy and gap (or loss) per corruption and severity, and the averages. */
export function reportSheet(report: CorruptionReportData): Sheet {
  const { preset, source, clean, imageShape } = report;
  const gaps = clean.gap !== undefined;
  return [
    { heading: `Corruption report: ${preset}`, level: 1 },
    `${clean.examples.toLocaleString('en')} clean images${imageShape === 'various' ? '' : ` of ${imageShape.join('×')}`}; ${source}.`,
    { list: headline(report) },
    { heading: 'Accuracy (%)', level: 2 },
    `Higher is better; of ${errorColumns(report).length > 1 ? 'mean error, CE and relative CE' : 'the mean error'} lower is.`,
    table(report, ({ accuracy }) => (100 * accuracy).toFixed(1), errorColumns(report)),
    { heading: gaps ? 'Gap: corrupted test loss − clean training loss (nats)' : 'Loss (nats)', level: 2 },
    'Lower is better. ± is the standard error over the images; retraining and other seeds are not in it.',
    table(
      report,
      gaps
        ? ({ gap, gapStandardError }) => nats(gap!, gapStandardError!)
        : ({ loss, lossStandardError }) => nats(loss, lossStandardError),
      [{ title: 'mean', cell: ({ gap, loss }) => (gaps ? gap! : loss).toFixed(3) }],
    ),
  ];
}

function headline(report: CorruptionReportData): string[] {
  const { clean, overall, trainLoss } = report;
  const lines = [
    madeBy(report),
    `Clean: loss ${nats(clean.loss, clean.lossStandardError)}, accuracy ${percent(clean.accuracy, clean.accuracyStandardError)}`,
  ];
  if (clean.gap !== undefined)
    lines.push(
      `Clean training loss: ${trainLoss!.toFixed(4)}; clean generalization gap: ${nats(clean.gap, clean.gapStandardError!)}`,
    );
  if (overall) {
    const extent = overall.complete
      ? 'all 15 corruptions at 5 severities'
      : `${overall.corruptions} of 15 corruptions, severities ${overall.severities.join(', ')}: not comparable with published figures`;
    lines.push(
      `Averages below: ${extent}`,
      `Mean corruption error, not normalized: ${percent(overall.meanError)} (${points(overall.meanErrorIncrease)} against clean)`,
    );
    if (overall.mCE !== undefined)
      lines.push(
        `mCE, normalized by AlexNet on ImageNet-C: ${percent(overall.mCE)}; relative mCE: ${percent(overall.relativeMCE!)}`,
      );
    if (overall.gap !== undefined)
      lines.push(`Mean gap under corruption: ${nats(overall.gap, overall.gapStandardError!)}`);
  }
  const apart = report.deviations.join('; ');
  lines.push(
    `Apart from the published benchmark: ${apart || 'nothing that is known; whether the files are the published ones was not checked'}`,
  );
  return lines;
}

/** What it takes to make the images again, where they were corrupted on the fly. */
function madeBy({ version, preset, seed, dialect, textures, postJpeg85, output }: CorruptionReportData): string {
  const made = `Made by @qgen/corruptions ${version}, outputs read as ${output}`;
  if (seed === undefined || textures === undefined) return made;
  const frost =
    textures === 'synthetic'
      ? 'synthetic textures of frost'
      : `textures of frost ${textures.map(({ height, width, hash }) => `${height}×${width} ${hash}`).join(', ')}`;
  return `${made}; parameters of ${preset}, seed ${seed}, dialect ${dialect}, ${frost}, ${postJpeg85 ? 'JPEG of quality 85 after' : 'no JPEG after'}`;
}

interface Column {
  readonly title: string;
  cell(summary: CorruptionReportData['summary'][number]): string;
}

function errorColumns({ summary }: CorruptionReportData): Column[] {
  const columns: Column[] = [{ title: 'mean error', cell: ({ error }) => (100 * error).toFixed(1) }];
  if (summary.some(({ ce }) => ce !== undefined))
    columns.push(
      { title: 'CE', cell: ({ ce }) => (ce === undefined ? '–' : (100 * ce).toFixed(1)) },
      {
        title: 'relative CE',
        cell: ({ relativeCE }) => (relativeCE === undefined ? '–' : (100 * relativeCE).toFixed(1)),
      },
    );
  return columns;
}

function table(
  { results, summary }: CorruptionReportData,
  cell: (result: CorruptionResult) => string,
  columns: readonly Column[],
): SheetBlock {
  const severities = [...new Set(results.map(({ severity }) => severity))].sort((a, b) => a - b);
  const numbers = [...severities.map((severity) => `s${severity}`), ...columns.map(({ title }) => title)];
  return {
    columns: [{ title: 'corruption' }, ...numbers.map(numberColumn)],
    rows: summary.map((entry) => [
      entry.corruption,
      ...severities.map((severity) => {
        const result = results.find((one) => one.corruption === entry.corruption && one.severity === severity);
        return result ? cell(result) : '–';
      }),
      ...columns.map((column) => column.cell(entry)),
    ]),
  };
}

const nats = (value: number, standardError: number) => `${value.toFixed(3)} ± ${standardError.toFixed(3)}`;
const points = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(100 * value).toFixed(1)} points`;
const percent = (value: number, standardError?: number) =>
  `${(100 * value).toFixed(1)} %${standardError === undefined ? '' : ` ± ${(100 * standardError).toFixed(1)} %`}`;
