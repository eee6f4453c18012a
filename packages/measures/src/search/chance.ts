import type { CleanAnswers } from './clean-answers';

/** Whether the clean accuracy is surely, by 3 standard errors, less than the target above chance. */
export function isUnreachable({ known, right, size, classes }: CleanAnswers, target: number): boolean {
  const accuracy = right / known;
  const error = Math.sqrt((Math.max(accuracy * (1 - accuracy), 1 / known) / known) * (1 - known / size));
  return accuracy - 1 / classes + 3 * error < target;
}

/**
 * A warning where the accuracy lies less than two targets above chance. The drop can't exceed that distance and levels off
 * below it, so that a scale is far from where accuracy starts to fall, and takes many draws.
 */
export function chanceWarnings(accuracy: number, classes: number, target: number): string[] {
  const above = accuracy - 1 / classes;
  if (!(above < 2 * target)) return [];
  return [
    `the accuracy ${accuracy.toPrecision(3)} is only ${above.toPrecision(2)} above chance, less than twice the target ${target}: the drop levels off there, and the scale says little about flatness; take a smaller target, or train further`,
  ];
}
