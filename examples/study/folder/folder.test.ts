import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openStudy, planManifest, readStudy } from './manifest';
import { publish } from './publish';
import type { TrialResult } from './result';
import { finishedIds, merged, readResults, storeResult } from './results';
import { smallResult, smallStudy } from './small-study';

const paths = { data: null, corrupted: null, weights: null };
let folder: string;
let count = 0;
let out: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'qgen-folder-'));
});
beforeEach(() => {
  out = join(folder, String(count++));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Every file below the folder with its content. */
const contents = () =>
  readdirSync(out, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), 'utf8'))
    .sort();
const refusal = (work: () => unknown): string => {
  const before = contents();
  let message = '';
  expect(() => {
    try {
      work();
    } catch (error) {
      message = (error as Error).message;
      throw error;
    }
  }).toThrow();
  expect(message.split('\n')).toHaveLength(1);
  expect(contents()).toEqual(before);
  return message;
};

describe('a study is a folder', () => {
  it('gives the same trial the same id, and every other one another', () => {
    const ids = smallStudy.trials.map(({ id }) => id);
    expect(new Set(ids).size).toBe(400);
    const { trials, conditions } = smallStudy;
    const plan = (changed: object) =>
      planManifest(
        { name: 'x', source: 'y' },
        { ...conditions, ...changed },
        trials.map(({ id, ...trial }) => trial),
      );
    expect(plan({}).trials.map(({ id }) => id)).toEqual(ids);
    expect(plan({ threads: 2 }).trials[0]!.id).not.toBe(ids[0]);
    expect(plan({ versions: { qgen: '0.2.0' } }).trials[0]!.id).not.toBe(ids[0]);
  });

  it('keeps what the first worker stored', () => {
    mkdirSync(out);
    const file = join(out, 'file');
    expect(publish(file, 'first')).toBe(true);
    expect(publish(file, 'second')).toBe(false);
    expect(readFileSync(file, 'utf8')).toBe('first');
    expect(readdirSync(out)).toEqual(['file']);
  });

  it('merges to the same bytes in whatever order the trials finished', () => {
    const texts = [smallStudy.trials, [...smallStudy.trials].reverse()].map((trials, i) => {
      const own = join(out, String(i));
      mkdirSync(out, { recursive: true });
      openStudy(own, smallStudy, paths);
      for (const planned of trials.slice(0, 400)) storeResult(own, smallResult(planned));
      return merged(readResults(own, smallStudy));
    });
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]!.split('\n')).toHaveLength(401);
  });

  it('opens twice at once: the second coordinator finds the study of the first', () => {
    openStudy(out, smallStudy, paths);
    openStudy(out, smallStudy, paths);
    expect(readStudy(out).manifest).toEqual(smallStudy);
  });
});

describe('what is wrong is one line, and nothing is overwritten', () => {
  it('a folder of another study', () => {
    openStudy(out, smallStudy, paths);
    const other = { ...smallStudy, conditions: { ...smallStudy.conditions, backend: 'wasm' } };
    expect(refusal(() => openStudy(out, other, paths))).toMatch(
      /belongs to another study \(backend "none" there, "wasm" now\); give another folder with --out/,
    );
  });

  it('a folder that holds no study', () => {
    mkdirSync(out);
    expect(refusal(() => readStudy(out))).toMatch(/holds no study/);
  });

  it('a manifest that was edited', () => {
    openStudy(out, smallStudy, paths);
    const file = join(out, 'manifest.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"learningRate": 0.1', '"learningRate": 0.2'));
    expect(refusal(() => readStudy(out))).toMatch(/was changed after it was written \(trial [0-9a-f]{16} is no longer/);
  });

  it('a manifest that lost a trial', () => {
    openStudy(out, smallStudy, paths);
    const file = join(out, 'manifest.json');
    const stored = JSON.parse(readFileSync(file, 'utf8')) as { trials: unknown[] };
    stored.trials.pop();
    writeFileSync(file, JSON.stringify(stored));
    expect(refusal(() => readStudy(out))).toMatch(/was changed after it was written;/);
  });

  const [planned] = smallStudy.trials;
  const good = smallResult(planned!);
  it.each<[string, (result: TrialResult) => object, RegExp]>([
    ['a result of another format', (r) => ({ ...r, format: 'qgen-study 0' }), /is of the format qgen-study 0/],
    ['a result of another setting', (r) => ({ ...r, seed: 7 }), /says another setting than the manifest/],
    [
      'a result under the name of another',
      (r) => ({ ...r, id: '0123456789abcdef' }),
      /holds the trial 0123456789abcdef/,
    ],
    ['a NaN', (r) => ({ ...r, numbers: { ...r.numbers, weightNorm: Number.NaN } }), /no finite number at weightNorm/],
    [
      'an infinite loss',
      (r) => ({ ...r, numbers: { ...r.numbers, test: { ...r.numbers!.test, loss: Number.POSITIVE_INFINITY } } }),
      /no finite number at test.loss/,
    ],
  ])('%s', (_, change, message) => {
    openStudy(out, smallStudy, paths);
    storeResult(out, good);
    writeFileSync(join(out, 'results', `${good.id}.json`), JSON.stringify(change(good)));
    expect(refusal(() => readResults(out, smallStudy))).toMatch(message);
  });

  it('a result of a trial that the study does not have', () => {
    openStudy(out, smallStudy, paths);
    storeResult(out, { ...good, id: '0123456789abcdef' });
    expect(refusal(() => readResults(out, smallStudy))).toMatch(
      /0123456789abcdef.json is no trial of this study; move it away/,
    );
  });

  it('a full disk: the trial is not stored, and the next attempt stores it', (context) => {
    mkdirSync(out);
    const mounted =
      userInfo().uid === 0 &&
      spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', out], { stdio: 'ignore' }).status === 0;
    if (!mounted) context.skip('a full disk: a small file system can be mounted by root only');
    try {
      mkdirSync(join(out, 'results'));
      const filler = join(out, 'filler');
      writeFileSync(filler, '');
      // Fills the disk to the last page.
      expect(() => writeFileSync(filler, Buffer.alloc(70_000))).toThrow(/ENOSPC/);
      let message = '';
      try {
        storeResult(out, good);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).toMatch(/there is no space left on the disk \(ENOSPC\); free some and run again/);
      expect(finishedIds(out).size).toBe(0);
      rmSync(filler);
      expect(storeResult(out, good)).toBe(true);
      expect(finishedIds(out).size).toBe(1);
    } finally {
      spawnSync('umount', [out]);
    }
  });
});
