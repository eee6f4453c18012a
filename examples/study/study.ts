/**
 * `npm run study`: the paper's question on real data. Trains one network per precision, measures it, and writes
 * results.jsonl and report.html. See configuration.ts for the options.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadDataset } from '../shared/dataset';
import { HELP, readRequest, UsageError } from './configuration';
import { progressBar } from './progress';
import { appendTrial, openResults } from './results';
import { table } from './table';

async function main(): Promise<void> {
  const request = readRequest(process.argv.slice(2));
  if (!request) {
    console.log(HELP);
    return;
  }
  const { configuration, bits, out, threads } = request;
  const { trials: finished, dropped } = openResults(out, configuration);
  const trials = [...finished];
  for (const line of dropped) console.log(`Dropped a half-written line of ${out}/results.jsonl: ${line.slice(0, 60)}…`);
  const missing = bits.filter((b) => !trials.some((trial) => trial.bits === b));
  const kept = bits.filter((b) => !missing.includes(b));
  console.log(
    `QGen study, backend ${configuration.backend}, seed ${configuration.seed}: precisions ${bits.join(', ')}`,
  );
  if (kept.length) console.log(`Kept from ${out}: ${kept.join(', ')}`);

  const data = loadDataset(configuration);
  // tfjs loads after the first lines are on the screen.
  const { startBackend } = await import('./backend');
  const { runTrial } = await import('./trial');
  console.log(`Computing: ${await startBackend(configuration.backend, threads)}`);
  mkdirSync(out, { recursive: true });

  const progress = progressBar(missing.length);
  try {
    for (const b of missing) {
      const trial = await runTrial(configuration, b, data, progress.stage);
      appendTrial(out, trial);
      trials.push(trial);
      progress.finished();
    }
  } finally {
    progress.stop();
  }

  const { report } = await import('./report');
  const { samples } = await import('./samples');
  const shown = trials.filter((trial) => bits.includes(trial.bits));
  const page = join(out, 'report.html');
  writeFileSync(page, report(shown, await samples(data, configuration.seed)));
  console.log(`\n${table(shown)}\n\nWrote ${join(out, 'results.jsonl')} and ${page}`);
}

try {
  await main();
  process.exit(0);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`study: ${error.message}`);
  process.exit(2);
}
