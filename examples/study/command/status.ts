import { readClaims } from '../folder/claims';
import { readFailures } from '../folder/failures';
import { readStudy } from '../folder/manifest';
import { readResults } from '../folder/results';
import { durationText } from '../plan/estimate';
import { precisionName } from '../plan/setting';
import { estimator } from '../work/compute';

/** What is done, running, failed and why, as text. */
export function statusText(out: string): string {
  const { manifest } = readStudy(out);
  const results = readResults(out, manifest);
  const done = new Set(results.map(({ id }) => id));
  const claims = readClaims(out).filter(({ id }) => !done.has(id));
  const failures = readFailures(out).filter(({ id }) => !done.has(id));
  const names = new Map(
    manifest.trials.map((trial) => [trial.id, `${trial.id} (seed ${trial.seed}, ${precisionName(trial.bits)})`]),
  );
  const name = (id: string) => names.get(id) ?? id;
  const running = claims.filter(({ stale }) => !stale);
  const left = manifest.trials.filter(({ id }) => !done.has(id));
  const seconds = left.map(estimator(out, manifest)).reduce((sum, value) => sum + value, 0);
  const diverged = results.filter(({ outcome }) => outcome === 'diverged');
  const lines = [
    `${out}: ${manifest.grid} on ${manifest.conditions.data.name}, ${results.length} of ${manifest.trials.length} trials done${diverged.length ? ` (${diverged.length} diverged)` : ''}, ${running.length} running, ${failures.length} failed`,
    ...running.map(
      ({ id, host, pid, started }) => `  running: ${name(id)} on ${host}, process ${pid}, since ${started}`,
    ),
    ...claims
      .filter(({ stale }) => stale)
      .map(({ id, host, pid }) => `  stopped: ${name(id)}: process ${pid} on ${host} gave no sign of life; run again`),
    ...failures.map(({ id, host, reason }) => `  failed: ${name(id)} on ${host}: ${reason}`),
    ...diverged.map(({ id, divergedIn }) => `  diverged: ${name(id)} in epoch ${divergedIn}`),
  ];
  if (left.length) lines.push(`  left: ${left.length} trials, about ${durationText(seconds)} of one process`);
  return lines.join('\n');
}
