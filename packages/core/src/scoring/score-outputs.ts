import { LEAST_PROBABILITY } from './cross-entropy';
import type { OutputKind } from './output-kind';

/** Loss and correctness of examples, each for itself. */
export interface Scores {
  readonly losses: Float64Array;
  /** 1 for a right answer (`OutputKind`), else 0, also where an output is NaN or infinite. Empty for a regression. */
  readonly correct: Uint8Array;
  /** How many examples have an output that is NaN or infinite. */
  readonly notFinite: number;
}

/**
 * `perExampleLoss` and accuracy on the host, from outputs that were read back: sums in float64, and NaN never counts as a
 * correct answer.
 *
 * @param outputs in row order
 * @param labels a class for each example; of a regression as many numbers as outputs
 * @param classes how many numbers the model returns for each example (`outputWidth`)
 */
export function scoreOutputs(
  outputs: ArrayLike<number>,
  labels: ArrayLike<number>,
  { classes, kind }: { readonly classes: number; readonly kind: OutputKind },
): Scores {
  if (kind === 'regression') return scoreRegression(outputs, labels, classes);
  if (kind === 'binaryLogits')
    return scoreClasses(
      pairs(outputs, () => 0),
      labels,
      { classes: 2, kind: 'logits' },
    );
  if (kind === 'binaryProbability')
    return scoreClasses(
      pairs(outputs, (p) => 1 - p),
      labels,
      { classes: 2, kind: 'probabilities' },
    );
  return scoreClasses(outputs, labels, { classes, kind });
}

/** (first(value), value) for every value. */
function pairs(values: ArrayLike<number>, first: (value: number) => number): Float64Array {
  return Float64Array.from({ length: 2 * values.length }, (_, i) => {
    const value = values[i >> 1];
    return i % 2 === 0 ? first(value) : value;
  });
}

function scoreClasses(
  outputs: ArrayLike<number>,
  labels: ArrayLike<number>,
  { classes, kind }: { readonly classes: number; readonly kind: 'logits' | 'probabilities' },
): Scores {
  const n = labels.length;
  const losses = new Float64Array(n);
  const correct = new Uint8Array(n);
  let notFinite = 0;
  for (let i = 0; i < n; i++) {
    const row = i * classes;
    let best = 0;
    let finite = true;
    for (let c = 0; c < classes; c++) {
      const value = outputs[row + c];
      if (!Number.isFinite(value)) finite = false;
      if (value > outputs[row + best]) best = c;
    }
    const target = outputs[row + labels[i]];
    if (!finite) notFinite++;
    else if (best === labels[i]) correct[i] = 1;
    if (kind === 'probabilities') losses[i] = -Math.log(Math.max(target, LEAST_PROBABILITY));
    else {
      const most = outputs[row + best];
      let sum = 0;
      for (let c = 0; c < classes; c++) sum += Math.exp(outputs[row + c] - most);
      losses[i] = finite ? Math.log(sum) - (target - most) : Number.NaN;
    }
  }
  return { losses, correct, notFinite };
}

function scoreRegression(outputs: ArrayLike<number>, targets: ArrayLike<number>, width: number): Scores {
  const losses = new Float64Array(outputs.length / width);
  let notFinite = 0;
  for (let i = 0; i < losses.length; i++) {
    let sum = 0;
    for (let k = i * width; k < (i + 1) * width; k++) sum += (outputs[k] - targets[k]) ** 2;
    losses[i] = Number.isFinite(sum) ? sum / width : Number.NaN;
    if (!Number.isFinite(sum)) notFinite++;
  }
  return { losses, correct: new Uint8Array(0), notFinite };
}
