import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStudy, readStudy } from './manifest';
import { finishedIds, merged, readResults } from './results';
import { smallStudy } from './small-study';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'qgen-kills-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (out: string): ChildProcess =>
  spawn(process.execPath, ['--import', 'tsx', join(__ROOT__, 'examples/study/folder/small-worker.ts'), out], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
const ended = (child: ChildProcess) => new Promise((resolve) => child.once('exit', resolve));
const working = (child: ChildProcess) => new Promise((resolve) => child.stdout!.once('data', resolve));

it('50 kills at random moments lose nothing that was finished and count nothing twice', async () => {
  const undisturbed = join(folder, 'undisturbed');
  openStudy(undisturbed, smallStudy, { data: null, corrupted: null, weights: null });
  await ended(start(undisturbed));

  const out = join(folder, 'killed');
  openStudy(out, smallStudy, { data: null, corrupted: null, weights: null });
  const { manifest } = readStudy(out);
  let kills = 0;
  const oneAfterAnother = async () => {
    while (kills < 50) {
      const child = start(out);
      await working(child);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
      const before = finishedIds(out);
      child.kill('SIGKILL');
      await ended(child);
      kills++;
      const after = finishedIds(out);
      for (const id of before) expect(after.has(id)).toBe(true);
      // Whatever is there is whole.
      readResults(out, manifest);
    }
  };
  await Promise.all([oneAfterAnother(), oneAfterAnother()]);
  // Two more, at once, that nobody kills.
  await Promise.all([ended(start(out)), ended(start(out))]);
  expect(finishedIds(out).size).toBe(manifest.trials.length);
  expect(merged(readResults(out, manifest))).toBe(merged(readResults(undisturbed, manifest)));
  expect(readdirSync(join(out, 'results')).filter((name) => name.endsWith('.json'))).toHaveLength(
    manifest.trials.length,
  );
});
