import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { cpus, hostname } from 'node:os';
import { join } from 'node:path';
import { publish } from './publish';

/** What a trial took, and where: beside the results, so that these are the same everywhere. */
export interface Cost {
  readonly id: string;
  readonly host: string;
  readonly processor: string;
  readonly started: string;
  readonly finished: string;
  /** Of the wall clock, by part: training, evaluating, sigma, … */
  readonly seconds: Readonly<Record<string, number>>;
  readonly processorSeconds: number;
}

const folderOf = (out: string) => join(out, 'costs');

/** Measures the parts of one trial. */
export function startCost(id: string) {
  const started = new Date();
  const used = process.cpuUsage();
  const seconds: Record<string, number> = {};
  return {
    async time<T>(part: string, work: () => Promise<T>): Promise<T> {
      const from = performance.now();
      try {
        return await work();
      } finally {
        seconds[part] = (seconds[part] ?? 0) + (performance.now() - from) / 1000;
      }
    },
    end(): Cost {
      const { user, system } = process.cpuUsage(used);
      return {
        id,
        host: hostname(),
        processor: cpus()[0]?.model ?? 'unknown',
        started: started.toISOString(),
        finished: new Date().toISOString(),
        seconds: Object.fromEntries(Object.entries(seconds).map(([part, value]) => [part, Number(value.toFixed(2))])),
        processorSeconds: Number(((user + system) / 1e6).toFixed(2)),
      };
    },
  };
}
export type RunningCost = ReturnType<typeof startCost>;

export function storeCost(out: string, cost: Cost): void {
  mkdirSync(folderOf(out), { recursive: true });
  publish(join(folderOf(out), `${cost.id}.json`), `${JSON.stringify(cost)}\n`);
}

export function readCosts(out: string): readonly Cost[] {
  try {
    return readdirSync(folderOf(out))
      .filter((file) => file.endsWith('.json'))
      .sort()
      .map((file) => JSON.parse(readFileSync(join(folderOf(out), file), 'utf8')) as Cost);
  } catch {
    return [];
  }
}
