/**
 * A worker process: computes the trials that its coordinator names, one after another, and stores each as a file. All that
 * it shares with others is the folder of the study.
 */
import { UsageError } from '../../shared/usage-error';
import { startBackend } from '../backend';
import { openData } from '../data/open-data';
import { claim } from '../folder/claims';
import { startCost, storeCost } from '../folder/costs';
import { clearFailure, noteFailure } from '../folder/failures';
import { readStudy } from '../folder/manifest';
import { storeResult } from '../folder/results';
import type { Backend } from '../plan/backend-name';
import { keptDistortions } from '../trial/distort';
import { runTrial } from '../trial/run-trial';
import type { FromWorker, ToWorker } from './messages';

const [out] = process.argv.slice(2) as [string];
const send = (message: FromWorker) => process.send?.(message);

async function main(): Promise<void> {
  const { manifest, paths } = readStudy(out);
  const { data: recorded, measuring, backend, threads } = manifest.conditions;
  const computing = await startBackend(backend as Backend, threads);
  const { train, test, downsample, shape } = recorded;
  const data = await openData({ ...paths, train, test, downsample, imageSize: shape[0] });
  if (data.sha256 !== recorded.sha256)
    throw new UsageError(
      `--data: ${paths.data} holds other data than this study was begun with (SHA-256 ${data.sha256.slice(0, 12)}, there ${recorded.sha256.slice(0, 12)})`,
    );
  const distorted = data.corrupted ?? keptDistortions(data, measuring);
  const trials = new Map(manifest.trials.map((trial) => [trial.id, trial]));

  const compute = async (id: string): Promise<void> => {
    const claimed = claim(out, id);
    if (!claimed) return void send({ kind: 'taken', id });
    try {
      const cost = startCost(id);
      const onStage = (stage: string, share: number) => send({ kind: 'stage', id, stage, share });
      const result = await runTrial(
        trials.get(id)!,
        { data, distorted, measuring, weights: paths.weights },
        cost,
        onStage,
      );
      if (storeResult(out, result)) storeCost(out, cost.end());
      clearFailure(out, id);
      send({ kind: 'done', id, outcome: result.outcome });
    } catch (error) {
      const [reason] = (error as Error).message.split('\n') as [string];
      noteFailure(out, id, reason);
      send({ kind: 'failed', id, reason });
    } finally {
      claimed.release();
    }
  };

  process.on('message', (message: ToWorker) => {
    if (message.kind === 'end') process.exit(0);
    void compute(message.id);
  });
  send({ kind: 'ready', computing });
}

process.on('disconnect', () => process.exit(1));
try {
  await main();
} catch (error) {
  const [reason] = (error as Error).message.split('\n') as [string];
  process.send?.({ kind: 'unfit', reason }, undefined, undefined, () => process.exit(2));
}
