import { displayed, markdown, mean } from '@qgen/core';
import { version } from '../../package.json';
import { CORRUPTIONS, type CorruptionName, type Preset, SEVERITIES, type Severity } from '../options/severities';
import { dialectOf } from '../settle';
import { corruptionErrors } from './corruption-error';
import { deviationsOf } from './deviations';
import type {
  CorruptionReport,
  CorruptionReportData,
  CorruptionResult,
  CorruptionSummary,
  Estimate,
  Gap,
  OverallSummary,
} from './report';
import { reportSheet } from './report-sheet';
import type { CorruptionSettings, GivenSettings } from './settings';

export type MeasuredResult = Estimate & { readonly corruption: CorruptionName; readonly severity: number };

interface Measured extends Pick<CorruptionReportData, 'preset' | 'source' | 'output'> {
  /** The shapes of images that occurred. */
  readonly shapes: readonly (readonly number[])[];
  readonly settings?: GivenSettings;
  readonly clean: Estimate;
  readonly results: readonly MeasuredResult[];
  readonly trainLoss?: number | { readonly loss: number; readonly standardError: number };
}

/** Adds gaps, averages, corruption errors and what sets them apart to what was measured. */
export function reportOf(measured: Measured): CorruptionReport {
  const { preset, source, output, shapes, clean, trainLoss } = measured;
  const train = typeof trainLoss === 'number' ? { loss: trainLoss, standardError: 0 } : trainLoss;
  const withGap = <T extends Estimate>(estimate: T): T & Gap =>
    train === undefined
      ? estimate
      : {
          ...estimate,
          gap: estimate.loss - train.loss,
          gapStandardError: Math.hypot(estimate.lossStandardError, train.standardError),
        };
  const settings = measured.settings && {
    ...measured.settings,
    dialect:
      measured.settings.dialect ??
      onlyOne(shapes.map(([height, width]) => dialectOf(preset, { height: height, width: width }))),
  };
  const results = measured.results.map((result) => ({
    ...withGap(result),
    ...(settings && parametersOf(result, preset, settings.dialect)),
  }));
  const summary = corruptionErrors(
    results.map(({ corruption, severity, accuracy }) => ({ corruption, severity, error: 1 - accuracy })),
    1 - clean.accuracy,
    { normalization: preset === 'imagenet-c' ? 'alexnet' : 'none' },
  ).map((error) => {
    const own = results.filter(({ corruption }) => corruption === error.corruption);
    return { ...error, loss: mean(own.map(({ loss }) => loss)), ...meanGap(own) };
  });
  const overall = overallOf(summary);
  const imageShape = shapes.length === 1 ? shapes[0] : 'various';
  const data: CorruptionReportData = {
    version,
    preset,
    source,
    ...settings,
    imageShape,
    output,
    deviations: deviationsOf({ preset, imageShape, settings, overall, results }),
    ...(train && { trainLoss: train.loss }),
    clean: withGap(clean),
    results,
    summary,
    ...(overall && { overall }),
  };
  const report: CorruptionReport = {
    ...data,
    toJSON: () => data,
    toMarkdown: () => `${markdown(reportSheet(data))}\n`,
  };
  return displayed(report, reportSheet);
}

const onlyOne = <T>(values: readonly T[]): T | 'various' => (new Set(values).size === 1 ? values[0]! : 'various');

/** The parameters of a result, where the preset has them: imagecorruptions makes those of elastic_transform by size. */
function parametersOf(
  { corruption, severity }: MeasuredResult,
  preset: Preset,
  dialect: CorruptionSettings['dialect'],
): Pick<CorruptionResult, 'parameters'> {
  if (corruption === 'elastic_transform' && dialect !== 'robustness') return {};
  return { parameters: SEVERITIES[corruption][preset][(severity as Severity) - 1] };
}

function overallOf(all: readonly CorruptionSummary[]): OverallSummary | undefined {
  const summary = all.filter(({ corruption }) => (CORRUPTIONS as readonly CorruptionName[]).includes(corruption));
  if (summary.length === 0) return undefined;
  const normalized = summary.every(({ ce }) => ce !== undefined);
  const { severities } = summary[0];
  return {
    corruptions: summary.length,
    severities,
    complete: summary.length === CORRUPTIONS.length && new Set(severities).size === 5,
    meanError: mean(summary.map(({ error }) => error)),
    meanErrorIncrease: mean(summary.map(({ errorIncrease }) => errorIncrease)),
    ...(normalized && {
      mCE: mean(summary.map(({ ce }) => ce!)),
      relativeMCE: mean(summary.map(({ relativeCE }) => relativeCE!)),
    }),
    ...meanGap(summary),
  };
}

function meanGap(parts: readonly Gap[]): Gap {
  if (parts.some(({ gap }) => gap === undefined)) return {};
  return {
    gap: mean(parts.map(({ gap }) => gap!)),
    gapStandardError: mean(parts.map(({ gapStandardError }) => gapStandardError!)),
  };
}
