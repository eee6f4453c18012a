import { numberColumn, type Sheet } from '@qgen/core';
import type { AlphaResult } from './alpha/find-alpha';
import type { SearchResult } from './result';

/** A scale or a measure in four digits; '-' where there is none. */
export const shownScale = (value: number | null): string => (value === null ? '-' : value.toPrecision(4));

/** The interval of sigma or the bracket of alpha, and the name of its kind; an empty text where there is none. */
export function precisionOf(search: SearchResult | AlphaResult): { readonly kind: string; readonly ends: string } {
  const [kind, ends] = 'ci95' in search ? ['95 %', search.ci95] : ['bracket', search.bracket];
  return { kind, ends: ends?.map(shownScale).join(' … ') ?? '' };
}

/** What a search for sigma or alpha found: the value with its interval, how the search ended, and what it cost. */
export function searchSheet(search: SearchResult | AlphaResult): Sheet {
  const { value, status, target, magnitudeAware, protocol, accuracy, draws, passEquivalents, seed } = search;
  const { view, batchNorm, scope, output, nonMonotone, warnings } = search;
  const symbol = `${'ci95' in search ? 'sigma' : 'alpha'}${magnitudeAware ? "'" : ''}`;
  const { kind, ends } = precisionOf(search);
  return [
    {
      columns: [numberColumn(symbol), numberColumn(kind), { title: 'status' }, numberColumn('accuracy')],
      rows: [[shownScale(value), ends, status, accuracy.toFixed(4)]],
    },
    `${symbol} costs ${target} of accuracy; larger is flatter.`,
    `${protocol}: ${draws} ${'ci95' in search ? 'draws' : 'steps'}, ${passEquivalents.toFixed(1)} passes over the data, seed ${seed}, view = ${view}, scope = ${scope}, batch normalization = ${batchNorm}, output = ${output}`,
    nonMonotone ? 'Warning: the accuracy does not fall steadily with the scale' : null,
    ...warnings.map((warning) => `Warning: ${warning}`),
  ];
}
