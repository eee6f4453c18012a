import cliProgress from 'cli-progress';
import { durationText } from '../plan/estimate';

/** What the workers report, as one bar over all trials, each as long as its estimate. */
export interface Progress {
  computing(what: string): void;
  stage(id: string, stage: string, share: number): void;
  finished(id: string): void;
  stop(): void;
}

/** Where the stages end as shares of a trial. */
const STAGES: Readonly<Record<string, number>> = {
  training: 0.75,
  evaluating: 0.77,
  sigma: 0.8,
  latent: 0.9,
  corruptions: 1,
};

const SHOWN: Readonly<Record<string, string>> = {
  sigma: 'searching σ',
  sigmaMagnitude: 'searching σ′',
  alpha: 'searching α',
  alphaMagnitude: 'searching α′',
  latent: 'searching σ of the latent weights',
  corruptions: 'distorting',
};

export function progressBar(
  trials: ReadonlyMap<string, { readonly name: string; readonly seconds: number }>,
  /** Seconds of trials that are finished already. */
  before: number,
): Progress {
  const started = Date.now();
  const total = [...trials.values()].reduce((sum, { seconds }) => sum + seconds, before);
  const shares = new Map<string, number>();
  const bar = new cliProgress.SingleBar({
    format: (options, { progress }, { doing }) => {
      const gained = progress - before / total;
      const left =
        gained > 0.005 ? `${durationText(((1 - progress) * (Date.now() - started)) / gained / 1000)} left` : '';
      return `${cliProgress.Format.BarFormat(progress, options)} ${(100 * progress).toFixed(0).padStart(3)} %  ${left.padEnd(12)} ${doing}`;
    },
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
    fps: 5,
  });
  if (trials.size > 0) bar.start(total, before, { doing: 'starting' });
  let computing: string | undefined;
  const update = (doing: string) => {
    let done = before;
    for (const [id, share] of shares) done += share * (trials.get(id)?.seconds ?? 0);
    bar.update(done, { doing });
  };
  return {
    computing(what) {
      if (computing === undefined) bar.update(before, { doing: what });
      computing = what;
    },
    stage(id, stage, share) {
      const ends = STAGES[stage];
      if (ends !== undefined) shares.set(id, stage === 'training' ? ends * share : Math.max(shares.get(id) ?? 0, ends));
      update(`${trials.get(id)?.name ?? id}: ${SHOWN[stage] ?? stage}`);
    },
    finished(id) {
      shares.set(id, 1);
      update(trials.get(id)?.name ?? id);
    },
    stop() {
      bar.stop();
      if (computing !== undefined) console.log(`Computed on: ${computing}`);
    },
  };
}

/** For a task of a scheduler, whose output is a file: one line a trial. */
export function progressLines(trials: ReadonlyMap<string, { readonly name: string }>): Progress {
  return {
    computing: (what) => console.log(`Computing: ${what}`),
    stage: () => {},
    finished: (id) => console.log(`${new Date().toISOString()} ended: ${trials.get(id)?.name ?? id}`),
    stop: () => {},
  };
}
