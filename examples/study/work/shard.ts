import { UsageError } from '../../shared/usage-error';
import type { Planned } from '../folder/manifest';

/** A share of the trials: those whose place, counted from 0, leaves this remainder. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

/**
 * The share of a task: `I/N` as it was said, or from what a Slurm array or an indexed job of Kubernetes sets (with the
 * number of tasks in QGEN_STUDY_SHARDS, or Slurm's count); everything where there is neither.
 */
export function readShard(said: string | null, environment: NodeJS.ProcessEnv = process.env): Shard {
  const { SLURM_ARRAY_TASK_ID, SLURM_ARRAY_TASK_COUNT, JOB_COMPLETION_INDEX, QGEN_STUDY_SHARDS } = environment;
  const index = SLURM_ARRAY_TASK_ID ?? JOB_COMPLETION_INDEX;
  if (said === null && index === undefined) return { index: 0, of: 1 };
  const count = QGEN_STUDY_SHARDS ?? SLURM_ARRAY_TASK_COUNT;
  if (said === null && count === undefined)
    throw new UsageError(
      'work: this is task ' +
        `${index} of an indexed job, but of how many is unknown; give --shard I/N or set QGEN_STUDY_SHARDS`,
    );
  const text = said ?? `${index}/${count}`;
  const [, i, n] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { index: Number(i), of: Number(n) };
  if (i === undefined || shard.of < 1 || shard.index >= shard.of)
    throw new UsageError(`--shard takes I/N with I from 0 to N − 1, got '${text}'`);
  return shard;
}

/** Neighbours go to different shards, so that all shards take about as long. */
export function trialsOfShard(trials: readonly Planned[], { index, of }: Shard): readonly Planned[] {
  return trials.filter((_, place) => place % of === index);
}
