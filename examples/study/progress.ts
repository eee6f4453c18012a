import cliProgress from 'cli-progress';

/** The stages of a trial with their usual share of its time, for one bar and one estimate over the whole study. */
const STAGES = {
  training: 0.74,
  evaluating: 0.02,
  'searching σ': 0.05,
  'searching σ′': 0.07,
  distorting: 0.12,
} as const;
type Stage = keyof typeof STAGES;

/** Tells how much of a stage of the trial at `bits` is done, 0..1. */
export type OnStage = (bits: number, stage: Stage, share: number) => void;

export function progressBar(trials: number): { readonly stage: OnStage; finished(): void; stop(): void } {
  if (trials === 0) return { stage: () => {}, finished: () => {}, stop: () => {} };
  const started = Date.now();
  const bar = new cliProgress.SingleBar({
    format: (options, { progress }, { doing }) => {
      const left = progress > 0.005 ? `${duration(((1 - progress) * (Date.now() - started)) / progress)} left` : '';
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
  bar.start(trials, 0, { doing: 'starting' });
  let done = 0;
  return {
    stage(bits, stage, share) {
      let before = 0;
      for (const name of Object.keys(STAGES) as Stage[]) {
        if (name === stage) break;
        before += STAGES[name];
      }
      const doing = `${bits === 32 ? 'float' : `${bits} bits`}: ${stage}`;
      bar.update(done + before + STAGES[stage] * share, { doing });
    },
    finished() {
      done += 1;
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
