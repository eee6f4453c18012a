import {
  type Data,
  displayed,
  LONG_WORK_OPTIONS,
  type LongWork,
  meanInterval,
  numberColumn,
  type OutputKind,
  requireCounts,
  requireKnownOptions,
  type Sheet,
  startWork,
} from '@qgen/core';
import { type Evaluation, evaluate } from '../subject/evaluate';
import { openExamples } from '../subject/open-examples';
import { openModel } from '../subject/open-model';
import type { OpenModelOptions } from '../subject/options';
import type { ModelLike } from '../subject/parameters';

/** Loss and accuracy on one set, with their uncertainty. */
export interface SplitEvaluation {
  readonly examples: number;
  /** Mean loss (`OutputKind`): smaller is better. */
  readonly loss: number;
  /** sd / sqrt(n), of the examples as a sample of all such examples; Infinity for one example. */
  readonly lossStandardError: number;
  /**
   * 95 % interval of the loss on all such examples, with the skewness of the losses taken out (`meanInterval` of
   * `@qgen/core`). It leaves out what another training would change. NaN for one example.
   */
  readonly lossCi95: readonly [number, number];
  /** Share of right answers: larger is better. NaN for a regression, as are the two that follow. */
  readonly accuracy: number;
  /** sqrt(p (1 - p) / n). */
  readonly accuracyStandardError: number;
  /** Wilson's 95 % interval of the accuracy on all such examples. It leaves out what another training would change. */
  readonly accuracyCi95: readonly [number, number];
  /** Examples with a NaN or infinite output; they count as wrong, and make the loss NaN. */
  readonly notFinite: number;
}

/** A difference of two means, with the uncertainty that the sample of unseen examples leaves. */
export interface Gap {
  readonly value: number;
  /**
   * The standard error of the test mean. The training set is no sample here: the gap is between the loss on this very set
   * and the loss on all unseen examples, of which `test` is a sample. Where `train` is a sample of the training set, it is
   * the root of the sum of squares of both splits' standard errors.
   */
  readonly standardError: number;
  /**
   * 95 % interval, from that of the test mean (`lossCi95`, `accuracyCi95`). value -+ 1.96 `standardError` holds less where
   * few examples make up most of the mean: 91.5 % with 500 examples and an accuracy of 0.96.
   */
  readonly ci95: readonly [number, number];
}

export interface GeneralizationGap {
  /** The kind of output of the model, which determines the loss. */
  readonly output: OutputKind;
  readonly train: SplitEvaluation;
  readonly test: SplitEvaluation;
  /** Test loss minus train loss, QGen's definition: smaller is better. */
  readonly lossGap: Gap;
  /** Train accuracy minus test accuracy: smaller is better. */
  readonly accuracyGap: Gap;
}

export interface GapOptions extends LongWork<{ readonly split: 'train' | 'test' }> {
  readonly output?: OpenModelOptions['output'];
  readonly batchSize?: number;
}

const OPTIONS = [...LONG_WORK_OPTIONS, 'output', 'batchSize'] as const satisfies readonly (keyof GapOptions)[];

/**
 * The generalization gap of a model as it predicts (quantizers on, batch normalization in inference mode): the mean over
 * `test`, a sample of unseen examples, against the mean over `train`, the whole training set, which is no sample and adds
 * no error. `test` may be a corrupted set: the gap to it is then the one of QGen's second table.
 * The loss is that of `OutputKind`: of a regression the mean squared error, and accuracies are NaN.
 *
 * @throws RangeError for empty data, labels that don't fit the outputs, weights that are NaN or infinite, an option that is
 * unknown or out of range; TypeError for a model or data of another form; `signal.reason` when aborted
 */
export async function generalizationGap(
  model: ModelLike,
  train: Data,
  test: Data,
  options: GapOptions = {},
): Promise<GeneralizationGap> {
  const name = 'generalizationGap';
  requireKnownOptions(name, options, OPTIONS);
  const { output, batchSize, signal, onProgress } = options;
  requireCounts(name, { batchSize });
  const subject = openModel(model, { scope: 'all', view: 'latent', batchNorm: 'inference', output }, name, 'any');
  try {
    const work = startWork({ signal, onProgress });
    const split = async (data: Data, which: 'train' | 'test') => {
      work.report({ split: which });
      const turning = { ...work, checkpoint: () => work.checkpoint(() => ({ split: which })) };
      const examples = await openExamples(subject, data, name);
      return describe(await evaluate(subject, examples, { batchSize, work: turning }, name));
    };
    const [seen, unseen] = [await split(train, 'train'), await split(test, 'test')];
    const gap: GeneralizationGap = {
      output: subject.output,
      train: seen,
      test: unseen,
      lossGap: {
        value: unseen.loss - seen.loss,
        standardError: unseen.lossStandardError,
        ci95: [unseen.lossCi95[0] - seen.loss, unseen.lossCi95[1] - seen.loss],
      },
      accuracyGap: {
        value: seen.accuracy - unseen.accuracy,
        standardError: unseen.accuracyStandardError,
        ci95: [seen.accuracy - unseen.accuracyCi95[1], seen.accuracy - unseen.accuracyCi95[0]],
      },
    };
    return displayed(gap, gapSheet);
  } finally {
    subject.close();
  }
}

function describe({ examples: n, accuracy, loss, losses, notFinite }: Evaluation): SplitEvaluation {
  const { standardError, interval } = meanInterval(losses);
  return {
    examples: n,
    loss,
    lossStandardError: n > 1 ? standardError : Number.POSITIVE_INFINITY,
    lossCi95: interval,
    accuracy,
    accuracyStandardError: Math.sqrt((accuracy * (1 - accuracy)) / n),
    accuracyCi95: wilson(accuracy, n),
    notFinite,
  };
}

/** (p + z^2/2n +- z sqrt(p (1 - p) / n + z^2/4n^2)) / (1 + z^2/n), z = 1.96: right at 0 and 1 too. Wilson 1927. */
function wilson(p: number, n: number): readonly [number, number] {
  const z2 = 1.959964 ** 2;
  const centre = p + z2 / (2 * n);
  const radius = Math.sqrt(z2) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n));
  // At 0 and 1 the interval ends there; rounding would leave the accuracy itself out.
  return [p === 0 ? 0 : (centre - radius) / (1 + z2 / n), p === 1 ? 1 : (centre + radius) / (1 + z2 / n)];
}

function gapSheet({ output, train, test, lossGap, accuracyGap }: GeneralizationGap): Sheet {
  const shown = (value: number, standardError: number) => `${value.toFixed(4)} ± ${standardError.toFixed(4)}`;
  const row = (name: string, of: 'loss' | 'accuracy', gap: Gap) => [
    name,
    train[of].toFixed(4),
    shown(test[of], test[`${of}StandardError`]),
    shown(gap.value, gap.standardError),
    gap.ci95.map((end) => end.toFixed(4)).join(' … '),
  ];
  return [
    {
      columns: [{ title: '' }, numberColumn('train'), numberColumn('test'), numberColumn('gap'), numberColumn('95 %')],
      rows: [
        row('loss', 'loss', lossGap),
        ...(Number.isNaN(train.accuracy) ? [] : [row('accuracy', 'accuracy', accuracyGap)]),
      ],
    },
    'A smaller gap is better. ± is one standard error; it holds what other test examples would change, not another training.',
    `${train.examples} training and ${test.examples} test examples, output = ${output}`,
    train.notFinite + test.notFinite > 0
      ? `Warning: ${train.notFinite + test.notFinite} examples have a NaN or infinite output`
      : null,
  ];
}
