import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tridiagonalSpectrum } from '../../src/spectrum/tridiagonal';

describe('tridiagonalSpectrum', () => {
  it('knows [[2, 1], [1, 2]]: 3 and 1 with eigenvectors (1, ±1) / sqrt 2', () => {
    const { values, first, last } = tridiagonalSpectrum([2, 2], [1]);
    expect(values[0]).toBeCloseTo(3, 14);
    expect(values[1]).toBeCloseTo(1, 14);
    for (const component of [...first, ...last]) expect(Math.abs(component)).toBeCloseTo(Math.SQRT1_2, 14);
  });

  it('knows the second difference matrix: 2 - 2 cos(k pi / (n + 1))', () => {
    const n = 40;
    const { values, first } = tridiagonalSpectrum(new Float64Array(n).fill(2), new Float64Array(n - 1).fill(-1));
    for (let k = 1; k <= n; k++) {
      expect(values[n - k]).toBeCloseTo(2 - 2 * Math.cos((k * Math.PI) / (n + 1)), 12);
      const component = Math.sqrt(2 / (n + 1)) * Math.sin((k * Math.PI) / (n + 1));
      expect(Math.abs(first[n - k])).toBeCloseTo(component, 12);
    }
  });

  it('is empty for an empty matrix, the diagonal for a diagonal one', () => {
    expect([...tridiagonalSpectrum([], []).values]).toEqual([]);
    expect([...tridiagonalSpectrum([1, 3, 2], [0, 0]).values]).toEqual([3, 2, 1]);
  });

  it('does not stumble over couplings at the edge of the numbers', () => {
    const { values, first } = tridiagonalSpectrum([0, 0, 0], [5e-324, 1e-310]);
    expect([...values]).toEqual([0, 0, 0]);
    expect(first.reduce((sum, component) => sum + component ** 2, 0)).toBe(1);
  });

  it('keeps the trace and the entries e_1^T T^k e_1 of any matrix', () => {
    const entry = fc.double({ min: -10, max: 10, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(entry, entry), { minLength: 1, maxLength: 20 }), (rows) => {
        const diagonal = rows.map((row) => row[0]);
        const coupling = rows.slice(1).map((row) => row[1]);
        const { values, first } = tridiagonalSpectrum(diagonal, coupling);
        const moment = (k: number) => values.reduce((sum, value, i) => sum + first[i] ** 2 * value ** k, 0);
        expect(values.reduce((a, b) => a + b)).toBeCloseTo(
          diagonal.reduce((a, b) => a + b),
          9,
        );
        expect(moment(0)).toBeCloseTo(1, 10);
        expect(moment(1)).toBeCloseTo(diagonal[0], 9);
        expect(moment(2)).toBeCloseTo(diagonal[0] ** 2 + (coupling[0] ?? 0) ** 2, 8);
      }),
    );
  });
});
