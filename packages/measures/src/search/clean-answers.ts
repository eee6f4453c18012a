/** The examples that the unperturbed model gets right, as far as they were evaluated; several searches share one. */
export interface CleanAnswers {
  readonly size: number;
  /** The number of classes, once an output was seen. */
  classes: number;
  /** How many are known, and how many of those are right. */
  known: number;
  right: number;
  /** 1 right, 0 wrong, undefined not evaluated yet. */
  get(index: number): number | undefined;
  set(index: number, correct: number): void;
}

const UNKNOWN = 2;

export function cleanAnswers(size: number): CleanAnswers {
  const answers = new Uint8Array(size).fill(UNKNOWN);
  const state: CleanAnswers = {
    size,
    classes: 0,
    known: 0,
    right: 0,
    get: (index) => (answers[index] === UNKNOWN ? undefined : answers[index]),
    set(index, correct) {
      if (answers[index] !== UNKNOWN) return;
      answers[index] = correct;
      state.known++;
      state.right += correct;
    },
  };
  return state;
}

/** @throws RangeError if the unperturbed model gave an output that is NaN or infinite */
export function refuseNotFinite(notFinite: number, of: number, caller: string): void {
  if (notFinite > 0)
    throw new RangeError(
      `${caller}: the unperturbed model returns NaN or infinite outputs for ${notFinite} of ${of} examples; train it again, or look at its inputs`,
    );
}
