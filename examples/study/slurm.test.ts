import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { missingSlurm, type Slurm, startSlurm } from '../../test/slurm';
import { readClaims } from './folder/claims';
import { finishedIds } from './folder/results';

const missing = missingSlurm();
const study = ['--conditions=@qgen/source', '--import', 'tsx', join(__ROOT__, 'examples/study/study.ts')];
/** Four trials of a few seconds. */
const tiny = [
  '--train',
  '200',
  '--test',
  '100',
  '--epochs',
  '3',
  '--bits',
  '32,2',
  '--seeds',
  '1,2',
  '--measure',
  'none',
];

let folder: string;
let slurm: Slurm | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qgen-slurm-'));
  if (!missing) slurm = await startSlurm(folder);
});
afterAll(async () => {
  await slurm?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...study, ...args], {
    cwd: __ROOT__,
    encoding: 'utf8',
    env: slurm?.environment,
  });
  return { status, stdout, stderr };
};
const queue = () =>
  spawnSync('squeue', ['--noheader', '--format=%i %T'], { encoding: 'utf8', env: slurm?.environment }).stdout.trim();
const until = async (what: () => boolean) => {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 200));
};

it('an array of tasks, one killed and one shard run twice at once, is resumed to the bytes of one machine', async (context) => {
  if (missing) context.skip(missing);
  const alone = join(folder, 'alone');
  expect(run('--out', alone, ...tiny).status).toBe(0);

  const out = join(folder, 'cluster');
  const script = run('submit', '--slurm', '--dry-run', '--shards', '4', '--out', out, ...tiny).stdout;
  expect(script).toContain('#SBATCH --array=0-3');
  expect(existsSync(join(out, 'logs'))).toBe(false);
  const submitted = run('submit', '--slurm', '--shards', '4', '--out', out, ...tiny);
  expect(submitted.stderr).toBe('');
  const [, job] = /Submitted batch job (\d+)/.exec(submitted.stdout)!;

  // A task that computes is killed with all its processes; Slurm does not start it again.
  await until(() => readClaims(out).length > 0);
  const [task] = /^\d+_\d+(?= RUNNING)/m.exec(queue())!;
  spawnSync('scancel', ['--full', '--signal=KILL', task], { env: slurm?.environment });
  // Meanwhile a shard is computed twice at once outside of Slurm.
  const twice = [1, 2].map(() =>
    spawn(process.execPath, [...study, 'work', '--shard', '3/4', '--out', out], { cwd: __ROOT__ }),
  );
  const codes = await Promise.all(twice.map((child) => new Promise((resolve) => child.once('exit', resolve))));
  expect(codes).toEqual([0, 0]);
  await until(() => queue() === '');
  expect(finishedIds(out).size).toBeLessThan(4);
  expect(task.startsWith(`${job}_`)).toBe(true);

  // The same command submits the missing shard, and it alone.
  const again = run('submit', '--slurm', '--shards', '4', '--dry-run', '--out', out, ...tiny).stdout;
  expect(again).toContain(`#SBATCH --array=${task.split('_')[1]}\n`);
  run('submit', '--slurm', '--shards', '4', '--out', out, ...tiny);
  await until(() => queue() === '');
  expect(run('submit', '--slurm', '--shards', '4', '--out', out, ...tiny).stdout).toContain(
    'All 4 trials are finished',
  );
  expect(run('status', '--out', out).stdout).toContain('4 of 4 trials done, 0 running, 0 failed');
  expect(run('report', '--out', out).status).toBe(0);
  expect(readFileSync(join(out, 'merged.jsonl'), 'utf8')).toBe(readFileSync(join(alone, 'merged.jsonl'), 'utf8'));
});
