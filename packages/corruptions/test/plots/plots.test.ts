import type { CorruptionReportData } from '@qgen/corruptions';
import { plotCorruptions } from '@qgen/corruptions/plots';
import { describe, expect, it } from 'vitest';
import { BROKEN, numbers, shapes, texts } from '../../../../test/svg';

const estimate = (loss: number, gap?: number) => ({
  ...{ examples: 100, loss, lossStandardError: 0.1, accuracy: 0.5, accuracyStandardError: 0.05 },
  ...(gap !== undefined && { gap, gapStandardError: 0.2 }),
});
const report = (gap: (severity: number) => number | undefined, clean: number | undefined) =>
  ({
    clean: estimate(1, clean),
    results: ['fog', 'gaussian_noise'].flatMap((corruption) =>
      [1, 3, 5].map((severity) => ({ corruption, severity, ...estimate(severity, gap(severity)) })),
    ),
  }) as unknown as CorruptionReportData;

describe('plotCorruptions', () => {
  it('draws the gap over the severity for every corruption, its error, and the clean gap', () => {
    const svg = plotCorruptions({ float: report((s) => s / 10, 0.1), '2 bits': report((s) => s / 20, 0.05) });
    expect(texts(svg)).toEqual(
      expect.arrayContaining(['fog', 'gaussian noise', '● float', '● 2 bits', 'generalization gap (nats)']),
    );
    expect(shapes(svg, 'line')).toHaveLength(4);
    const rules = shapes(svg, 'rule');
    const upright = rules.filter((node) => node.getAttribute('y1') !== node.getAttribute('y2'));
    expect(upright).toHaveLength(12);
    expect(rules.length - upright.length).toBe(4);
    const lengths = numbers(upright, 'y1').map((y, i) => Math.abs(y - numbers(upright, 'y2')[i]!));
    // One standard error, 0.2, to each side of all of them.
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThan(1e-6);
    expect(svg).not.toMatch(BROKEN);
  });

  it('draws the loss where there is no training loss, and refuses to mix the two', () => {
    const losses = report(() => undefined, undefined);
    expect(texts(plotCorruptions(losses))).toContain('loss (nats)');
    expect(() => plotCorruptions({ a: losses, b: report(() => 1, 1) })).toThrow(
      /^plotCorruptions: gaps and losses don't compare, and 1 of 2 reports have no gap; give all of them trainLoss/,
    );
  });

  it('counts what is not finite, and says where nothing is', () => {
    const some = plotCorruptions(report((s) => (s === 3 ? Number.NaN : s), 0));
    expect(texts(some)).toContain('2 values are not finite and left out.');
    expect(some).not.toMatch(BROKEN);
    expect(texts(plotCorruptions(report(() => Number.NaN, 0)))).toContain(
      'No generalization gap on corrupted images is finite.',
    );
    expect(texts(plotCorruptions({ ...report(() => 1, 1), results: [] }))).toContain(
      'No generalization gap on corrupted images is finite.',
    );
  });

  it('leaves out the bar of an error that is not known, as with one image', () => {
    const single = report(() => 1, 1);
    const results = single.results.map((result) => ({ ...result, gapStandardError: Number.NaN }));
    expect(plotCorruptions({ ...single, results })).not.toMatch(BROKEN);
  });

  it('refuses what is no report', () => {
    expect(() => plotCorruptions({ a: 3 } as never)).toThrow(/^plotCorruptions: needs a result of corruptionReport/);
  });
});
