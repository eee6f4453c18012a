/**
 * `npm run study`: the paper's question as a study that lies in a folder, computed on one machine or on a cluster. See
 * command/help.ts for the options and folder/ for what the folder holds.
 */
import { UsageError } from '../shared/usage-error';
import { HELP } from './command/help';
import { planStudy } from './command/plan';
import { type Request, readRequest } from './command/request';
import { statusText } from './command/status';
import { type Manifest, openStudy, readStudy } from './folder/manifest';
import { durationText, usableProcessors } from './plan/estimate';
import { compute, estimator } from './work/compute';
import { readShard, trialsOfShard } from './work/shard';
import { maxArraySize, slurmScript, submit } from './work/slurm';

async function main(request: Request | null): Promise<number> {
  if (!request) {
    console.log(HELP);
    return 0;
  }
  switch (request.command) {
    case 'run':
      return run(request);
    case 'work':
      return work(request);
    case 'submit':
      return submitToSlurm(request);
    case 'status':
      console.log(statusText(request.out));
      return 0;
    case 'report':
      await writeReport(request.out);
      return 0;
  }
}

async function run(request: Request): Promise<number> {
  const { out } = request;
  const { manifest, paths } = await planStudy(request);
  openStudy(out, manifest, paths);
  const { name, train, test } = manifest.conditions.data;
  console.log(`QGen study ${manifest.grid} on ${name}, ${train} training and ${test} test images, in ${out}`);
  const code = await computed(
    request,
    manifest,
    manifest.trials.map(({ id }) => id),
    true,
  );
  await writeReport(out);
  return code;
}

async function work(request: Request): Promise<number> {
  const { manifest } = readStudy(request.out);
  const shard = readShard(request.shard);
  const ids = trialsOfShard(manifest.trials, shard).map(({ id }) => id);
  console.log(`Shard ${shard.index} of ${shard.of}: ${ids.length} trials`);
  return computed(request, manifest, ids, false);
}

async function computed(
  request: Request,
  manifest: Manifest,
  ids: readonly string[],
  interactive: boolean,
): Promise<number> {
  const { failed, taken } = await compute(request.out, manifest, {
    ids,
    workers: workersOf(request, manifest),
    interactive,
  });
  if (taken.length)
    console.log(`${taken.length} trials are being computed by another process; see npm run study -- status`);
  for (const { id, reason } of failed) console.error(`study: trial ${id} failed: ${reason}`);
  if (failed.length) console.error(`study: ${failed.length} trials failed; run again to repeat them`);
  return failed.length ? 1 : 0;
}

/** A process for each processor, but one for a GPU, and as many fewer as each has threads. */
function workersOf({ workers }: Request, { conditions }: Manifest): number {
  if (workers !== null) return workers;
  if (conditions.backend === 'webgpu' || conditions.backend === 'node-gpu') return 1;
  return Math.max(1, Math.floor(usableProcessors() / conditions.threads));
}

async function submitToSlurm(request: Request): Promise<number> {
  const { out, slurm, minutes, shards, sbatch, dryRun } = request;
  if (!slurm) throw new UsageError('submit: say which engine: --slurm');
  const { manifest, paths } = await planStudy(request);
  openStudy(out, manifest, paths);
  const submission = { minutes, shards, sbatch, threads: manifest.conditions.threads };
  const script = slurmScript(out, manifest, submission, maxArraySize());
  const seconds = manifest.trials.map(estimator(out, manifest)).reduce((sum, value) => sum + value, 0);
  if (script === null)
    console.log(`All ${manifest.trials.length} trials are finished; npm run study -- report --out ${out}`);
  else if (dryRun) console.log(script);
  else console.log(`${submit(out, script)} (all trials: about ${durationText(seconds)} of one process)`);
  return 0;
}

async function writeReport(out: string): Promise<void> {
  const { writeReport: write } = await import('./report/write-report');
  console.log(await write(out));
}

try {
  process.exit(await main(readRequest(process.argv.slice(2))));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`study: ${error.message}`);
  process.exit(2);
}
