import type { Manifest } from '../folder/manifest';
import type { TrialResult } from '../folder/result';
import { precisionName } from '../plan/setting';

/** What the numbers of this study can't say, said in the report and in the terminal. */
export function caveats({ trials, conditions, grid }: Manifest, results: readonly TrialResult[]): readonly string[] {
  const notes: string[] = [];
  const settings = new Set(results.map(({ setting }) => JSON.stringify(setting))).size;
  const seeds = new Set(results.map(({ seed }) => seed)).size;
  notes.push(
    settings > 1
      ? `Units are ${settings} settings (trainings that differ in the seed alone are averaged): the intervals are over settings as this grid has them.`
      : seeds > 1
        ? `Units are ${seeds} trainings of one setting: the intervals say nothing about other settings.`
        : 'Each precision was trained once, so there are no intervals over trainings; run more --seeds.',
  );
  if (results.length < trials.length)
    notes.push(`${results.length} of ${trials.length} trials are finished; the others are missing in all numbers.`);
  const diverged = results.filter(({ outcome }) => outcome === 'diverged');
  for (const { setting, seed, bits, divergedIn } of diverged)
    notes.push(
      `Diverged and left out: ${precisionName(bits)}, seed ${seed}, in epoch ${divergedIn} (${setting.optimizer}, rate ${setting.learningRate}, decay ${setting.weightDecay}, width ${setting.width}, depth ${setting.depth}).`,
    );
  const epochs = Math.max(0, ...results.map(({ setting }) => setting.epochs));
  if (epochs < 100)
    notes.push(
      `The trainings have ${epochs} epochs on ${conditions.data.train} images (${grid}): so short a training shows how the measures work and how far trainings scatter. It is no evidence about networks trained to convergence as the paper's are.`,
    );
  const accuracies = results.flatMap(({ numbers, bits }) => (numbers && bits === 32 ? [numbers.train.accuracy] : []));
  const unfit = accuracies.filter((accuracy) => accuracy < 0.95).length;
  if (unfit > 0)
    notes.push(
      `Of ${accuracies.length} float networks ${unfit} have a training accuracy below 0.95: their gap is that of a network that has not fitted its data.`,
    );
  return notes;
}
