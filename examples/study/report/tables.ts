import type { TrialResult } from '../folder/result';
import { precisionName } from '../plan/setting';
import { bestOf, differencesOf, meansOf, precisionsOf, referenceBits, significant, withInterval } from './pairing';
import {
  CONSISTENT_MEASURES,
  GAP,
  LOSSES,
  MEASURES,
  type NamedQuantity,
  present,
  SCALES,
  WEIGHT_NORM,
} from './quantities';
import { type Cell, cell, type Table } from './table';

/** The tables of the paper, each cell with its interval; those whose numbers were not measured are left out. */
export function tablesOf(results: readonly TrialResult[]): readonly Table[] {
  return [
    gapTable(results),
    flatnessTable(results),
    consistentTable(results),
    weightTable(results),
    stepTable(results),
    distortionTable(results),
  ].flatMap((table) => table ?? []);
}

const PAIRED = 'Differences are paired within seed and setting; ± is half a 95 % interval over trainings.';

function gapTable(results: readonly TrialResult[]): Table {
  const reference = precisionName(referenceBits(results));
  const differences = new Map(differencesOf(results, GAP.of).map((difference) => [difference.bits, difference]));
  const quantities = LOSSES.map((quantity) => meansOf(results, quantity.of));
  return {
    id: 'gap',
    title: 'Generalization gap',
    caption: `gap = test loss − training loss; of the last column below 0 is better, marked only where the interval leaves out 0. ${PAIRED}`,
    columns: ['precision', 'trainings', ...LOSSES.map(({ title }) => title), `gap − gap of ${reference}`],
    rows: precisionsOf(results).map((bits, i) => {
      const difference = differences.get(bits);
      return [
        cell(precisionName(bits)),
        cell(results.filter((result) => result.bits === bits && result.numbers).length),
        ...quantities.map((means) => cell(withInterval(means[i]!, 4))),
        difference ? cell(withInterval(difference), markOf(difference.sign, 'smaller')) : cell('—'),
      ];
    }),
  };
}

function flatnessTable(results: readonly TrialResult[]): Table | null {
  const quantities = present(results, [...SCALES, ...MEASURES]);
  return measuresTable(results, quantities, {
    id: 'flatness',
    title: 'Flatness',
    caption: `Scales (larger is flatter) and the measures √(μ/m) (smaller is flatter), dialect qgen, of ŵ unless it says latent.`,
  });
}

/** Only beside all eight measures of the paper. */
function consistentTable(results: readonly TrialResult[]): Table | null {
  const quantities = present(results, CONSISTENT_MEASURES);
  if (quantities.length < CONSISTENT_MEASURES.length) return null;
  return measuresTable(results, quantities, {
    id: 'flatness-consistent',
    title: 'Flatness in the consistent dialect',
    caption:
      'The same scales in the measures √(μ/m) that follow from the noise and the boxes as they are (smaller is flatter), of ŵ.',
  });
}

function measuresTable(
  results: readonly TrialResult[],
  quantities: readonly NamedQuantity[],
  { caption, ...named }: Pick<Table, 'id' | 'title' | 'caption'>,
): Table | null {
  if (quantities.length === 0) return null;
  return {
    ...named,
    caption: `${caption} The best is marked only where its paired difference from every other precision leaves out 0. ${PAIRED}`,
    columns: ['precision', ...quantities.map(({ title, better }) => `${title} ${better === 'larger' ? '↑' : '↓'}`)],
    rows: rowsByPrecision(results, quantities),
  };
}

function weightTable(results: readonly TrialResult[]): Table {
  const differences = new Map(
    differencesOf(results, WEIGHT_NORM.of).map((difference) => [difference.bits, difference]),
  );
  const means = meansOf(results, WEIGHT_NORM.of);
  return {
    id: 'weights',
    title: 'Weight magnitudes',
    caption: `‖ŵ‖₂ over all kernels, batch normalization folded. ${PAIRED}`,
    columns: ['precision', '‖ŵ‖₂', 'difference from float'],
    rows: precisionsOf(results).map((bits, i) => {
      const difference = differences.get(bits);
      return [
        cell(precisionName(bits)),
        cell(withInterval(means[i]!)),
        cell(difference ? withInterval(difference) : '—'),
      ];
    }),
  };
}

function stepTable(results: readonly TrialResult[]): Table | null {
  const layers = [...new Set(results.flatMap(({ numbers }) => numbers?.stepSizes.map(({ layer }) => layer) ?? []))];
  if (layers.length === 0) return null;
  const precisions = precisionsOf(results).filter((bits) =>
    results.some((r) => r.bits === bits && r.numbers?.stepSizes.length),
  );
  return {
    id: 'steps',
    title: 'Step size per layer',
    caption: 'The learned step s of each kernel after training; ± is half a 95 % interval over trainings.',
    columns: ['layer', ...precisions.map(precisionName)],
    rows: layers.map((layer) => {
      const means = meansOf(results, ({ numbers }) => numbers!.stepSizes.find((step) => step.layer === layer)?.step);
      return [
        cell(layer),
        ...means.filter(({ bits }) => precisions.includes(bits)).map((mean) => cell(withInterval(mean))),
      ];
    }),
  };
}

function distortionTable(results: readonly TrialResult[]): Table | null {
  const cells = results.find(({ numbers }) => numbers?.distorted)?.numbers?.distorted;
  if (!cells) return null;
  const reference = referenceBits(results);
  const others = precisionsOf(results).filter((bits) => bits !== reference);
  const severities = [...new Set(cells.map(({ severity }) => severity))];
  const names = [...new Set(cells.map(({ name }) => name))];
  return {
    id: 'distortions',
    title: `Gap on distorted images: difference from ${precisionName(reference)}`,
    caption: `gap = loss on the distorted test images − clean training loss; below 0 is better. Coloured only where the interval leaves out 0: of ${names.length * severities.length * others.length} cells one in twenty is so by chance. ${PAIRED}`,
    columns: [
      'distortion',
      ...others.flatMap((bits) => severities.map((severity) => `${precisionName(bits)} s${severity}`)),
    ],
    rows: names.map((name) => {
      const bySeverity = severities.map((severity) =>
        differencesOf(
          results,
          ({ numbers }) => numbers!.distorted?.find((each) => each.name === name && each.severity === severity)?.gap,
        ),
      );
      return [
        cell(name),
        ...others.flatMap((bits) =>
          bySeverity.map((differences) => {
            const difference = differences.find((each) => each.bits === bits);
            return difference?.n
              ? cell(significant(difference.mean, 2), markOf(difference.sign, 'smaller'))
              : cell('—');
          }),
        ),
      ];
    }),
  };
}

function rowsByPrecision(results: readonly TrialResult[], quantities: readonly NamedQuantity[]): Cell[][] {
  const columns = quantities.map(({ of, better }) => ({
    means: meansOf(results, of),
    best: better && bestOf(results, of, better),
  }));
  return precisionsOf(results).map((bits, i) => [
    cell(precisionName(bits)),
    ...columns.map(({ means, best }) => cell(withInterval(means[i]!), best === bits ? 'best' : undefined)),
  ]);
}

function markOf(sign: -1 | 0 | 1, better: 'smaller' | 'larger'): Cell['mark'] {
  if (sign === 0) return undefined;
  return sign < 0 === (better === 'smaller') ? 'better' : 'worse';
}
