import { readCosts } from '../folder/costs';
import type { Manifest, Planned } from '../folder/manifest';
import { finishedIds } from '../folder/results';
import { durationText, estimateSeconds } from '../plan/estimate';
import { precisionName } from '../plan/setting';
import { coordinate, type Outcome } from './coordinate';
import { progressBar, progressLines } from './progress';

/** How long trials take in one process, by what those that are finished took where there are some. */
export function estimator(out: string, { conditions, trials }: Manifest): (trial: Planned) => number {
  const { measuring, data, backend } = conditions;
  const guess = (trial: Planned) => estimateSeconds(trial, measuring, data, backend);
  const byId = new Map(trials.map((trial) => [trial.id, trial]));
  let [guessed, taken] = [0, 0];
  for (const { id, seconds } of readCosts(out)) {
    const trial = byId.get(id);
    if (!trial) continue;
    guessed += guess(trial);
    taken += Object.values(seconds).reduce((sum, value) => sum + value, 0);
  }
  return (trial) => (guessed > 0 ? (guess(trial) * taken) / guessed : guess(trial));
}

/** Computes what is missing among these trials, and says what is going to happen, how long it may take and how it ended. */
export async function compute(
  out: string,
  manifest: Manifest,
  {
    ids,
    workers,
    interactive,
  }: { readonly ids: readonly string[]; readonly workers: number; readonly interactive: boolean },
): Promise<Outcome> {
  const finished = finishedIds(out);
  const chosen = manifest.trials.filter(({ id }) => ids.includes(id));
  const missing = chosen.filter(({ id }) => !finished.has(id));
  const seconds = estimator(out, manifest);
  const total = (trials: readonly Planned[]) => trials.reduce((sum, trial) => sum + seconds(trial), 0);
  const longest = Math.max(0, ...missing.map(seconds));
  const processes = Math.min(workers, Math.max(1, missing.length));
  const kept = chosen.length - missing.length;
  const { backend, threads } = manifest.conditions;
  if (kept) console.log(`Kept from ${out}: ${kept} of ${chosen.length} trials`);
  if (missing.length)
    console.log(
      `Computing ${missing.length} trials on ${processes} process${processes > 1 ? 'es' : ''} (${backend}, ${threads} thread${threads > 1 ? 's' : ''} each), about ${durationText(Math.max(total(missing) / processes, longest))}; you can stop it and run it again`,
    );
  const named = new Map(
    missing.map((trial) => [
      trial.id,
      { name: `seed ${trial.seed}, ${precisionName(trial.bits)}`, seconds: seconds(trial) },
    ]),
  );
  const progress = interactive ? progressBar(named, total(chosen) - total(missing)) : progressLines(named);
  try {
    return await coordinate(
      out,
      missing.map(({ id }) => id),
      processes,
      progress,
    );
  } finally {
    progress.stop();
  }
}
