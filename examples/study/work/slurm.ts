import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../../shared/usage-error';
import type { Manifest } from '../folder/manifest';
import { finishedIds } from '../folder/results';
import { estimator } from './compute';
import { trialsOfShard } from './shard';

export interface Submission {
  /** How long one task is meant to run. */
  readonly minutes: number;
  /** The number of tasks; null to take as many as that needs. */
  readonly shards: number | null;
  /** More options for sbatch, separated by blanks. */
  readonly sbatch: string;
  readonly threads: number;
}

/** The most tasks of one array where Slurm doesn't say: its own default. */
const MAX_ARRAY_SIZE = 1001;

/** The script of a job array with a task for every shard that has trials left; null when all are finished. */
export function slurmScript(
  out: string,
  manifest: Manifest,
  submission: Submission,
  maxArraySize: number,
): string | null {
  const seconds = estimator('', manifest);
  const total = manifest.trials.reduce((sum, trial) => sum + seconds(trial), 0);
  const shards = Math.min(
    manifest.trials.length,
    // Indices of an array are smaller than MaxArraySize.
    Math.max(1, maxArraySize - 1),
    submission.shards ?? Math.max(1, Math.ceil(total / (60 * submission.minutes))),
  );
  const finished = finishedIds(out);
  const open = Array.from({ length: shards }, (_, index) => index).filter((index) =>
    trialsOfShard(manifest.trials, { index, of: shards }).some(({ id }) => !finished.has(id)),
  );
  if (open.length === 0) return null;
  const folder = resolve(out);
  return `#!/bin/bash
#SBATCH --job-name=qgen-study
#SBATCH --array=${ranges(open)}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=${submission.threads}
#SBATCH --output=${join(folder, 'logs', '%A_%a.log')}
${submission.sbatch
  .split(/\s+/)
  .filter(Boolean)
  .map((option) => `#SBATCH ${option}\n`)
  .join('')}export QGEN_STUDY_SHARDS=${shards}
cd ${quoted(process.cwd())}
exec ${[process.execPath, ...process.execArgv, process.argv[1]!, 'work', '--out', folder].map(quoted).join(' ')}
`;
}

/** Submits the array and returns what sbatch says. */
export function submit(out: string, script: string): string {
  mkdirSync(join(out, 'logs'), { recursive: true });
  const file = join(out, 'logs', 'submit.sh');
  writeFileSync(file, script);
  const { status, stdout, stderr, error } = spawnSync('sbatch', [file], { encoding: 'utf8' });
  if (error)
    throw new UsageError(`submit: sbatch did not start (${error.message}); run it where Slurm is, or see --dry-run`);
  if (status !== 0) throw new UsageError(`submit: sbatch refused: ${stderr.trim().split('\n').at(-1)}`);
  return stdout.trim();
}

/** MaxArraySize of this cluster. */
export function maxArraySize(): number {
  const { stdout } = spawnSync('scontrol', ['show', 'config'], { encoding: 'utf8' });
  const [, size] = /MaxArraySize\s*=\s*(\d+)/.exec(stdout ?? '') ?? [];
  return size ? Number(size) : MAX_ARRAY_SIZE;
}

/** `0-3,7` of sorted numbers. */
function ranges(numbers: readonly number[]): string {
  const found: [number, number][] = [];
  for (const n of numbers) {
    const last = found.at(-1);
    if (last && last[1] === n - 1) last[1] = n;
    else found.push([n, n]);
  }
  return found.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(',');
}

const quoted = (text: string) => (/^[\w./:=@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
