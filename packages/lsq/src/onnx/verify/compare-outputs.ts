/** How far an output of a file is from that of the model. */
export interface OutputComparison {
  readonly name: string;
  readonly values: number;
  /** The largest |y| of the model, for what follows to be seen against. */
  readonly largest: number;
  /** The largest |y' - y|; NaN if either has one. */
  readonly maxDifference: number;
  /** The mean of |y' - y|. */
  readonly meanDifference: number;
  /** The share of rows whose largest value is at the same place; null where a row is a single value. */
  readonly top1Agreement: number | null;
  /** Rows whose largest value is at another place although it stands out by `maxDifference` or more. */
  readonly top1Contradictions: number;
}

/** Takes in batch after batch of an output, row by row along the last axis. */
export function outputComparison(name: string) {
  const totals = { values: 0, rows: 0, agreeing: 0, largest: 0, maxDifference: 0, sum: 0 };
  const margins: number[] = [];
  let width = 1;

  const addRow = (expected: Float32Array, found: Float32Array): void => {
    for (let i = 0; i < expected.length; i++) {
      const difference = Math.abs(found[i] - expected[i]);
      totals.sum += difference;
      // A NaN stays.
      totals.maxDifference = Math.max(totals.maxDifference, difference);
      totals.largest = Math.max(totals.largest, Math.abs(expected[i]));
    }
    const first = firstPlace(expected);
    totals.rows++;
    if (firstPlace(found) === first) totals.agreeing++;
    else margins.push(expected[first] - Math.max(...expected.filter((_, i) => i !== first)));
  };

  return {
    add(expected: Float32Array, found: Float32Array, columns: number): void {
      width = columns;
      totals.values += expected.length;
      for (let start = 0; start < expected.length; start += columns)
        addRow(expected.subarray(start, start + columns), found.subarray(start, start + columns));
    },
    result: (): OutputComparison => ({
      name,
      values: totals.values,
      largest: totals.largest,
      maxDifference: totals.maxDifference,
      meanDifference: totals.sum / totals.values,
      top1Agreement: width > 1 ? totals.agreeing / totals.rows : null,
      top1Contradictions: width > 1 ? margins.filter((margin) => !(margin < totals.maxDifference)).length : 0,
    }),
  };
}

const firstPlace = (row: Float32Array): number => row.reduce((best, value, i) => (value > row[best] ? i : best), 0);
