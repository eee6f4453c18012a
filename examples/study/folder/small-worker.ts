/** Computes what is missing of `smallStudy` in a folder, a few milliseconds a trial; a test kills it. */
import { setTimeout as pause } from 'node:timers/promises';
import { claim } from './claims';
import { readStudy } from './manifest';
import { finishedIds, storeResult } from './results';
import { smallResult } from './small-study';

const [out] = process.argv.slice(2) as [string];
const { manifest } = readStudy(out);
console.log('working');
for (const planned of manifest.trials) {
  if (finishedIds(out).has(planned.id)) continue;
  const claimed = claim(out, planned.id);
  if (!claimed) continue;
  await pause(4);
  storeResult(out, smallResult(planned));
  claimed.release();
}
