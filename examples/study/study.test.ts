import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readClaims } from './folder/claims';
import { readCosts } from './folder/costs';
import type { TrialResult } from './folder/result';
import { finishedIds } from './folder/results';

const study = ['--conditions=@qgen/source', '--import', 'tsx', join(__ROOT__, 'examples/study/study.ts')];
const run = (...args: string[]) =>
  spawnSync(process.execPath, [...study, ...args], { cwd: __ROOT__, encoding: 'utf8' });
const mergedOf = (out: string) => readFileSync(join(out, 'merged.jsonl'), 'utf8');
const resultsOf = (out: string) =>
  mergedOf(out)
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as TrialResult);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'qgen-study-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('bad data is one line that names the problem and the remedy, exit code 2, nothing written', () => {
  const record = 1 + 3072;
  const cifar = (name: string, trainBytes: Uint8Array, testBytes: Uint8Array = new Uint8Array(record)) => {
    const data = join(folder, name);
    mkdirSync(data);
    writeFileSync(join(data, 'data_batch_1.bin'), trainBytes);
    writeFileSync(join(data, 'test_batch.bin'), testBytes);
    return data;
  };
  it.each([
    ['a data folder that is not there', () => join(folder, 'nowhere'), /there is no folder .*nowhere/],
    ['a data folder without data', () => folder, /lacks data_batch_1.bin .*unpack/],
    [
      'a truncated data file',
      () => cifar('short', new Uint8Array(record - 5)),
      /data_batch_1.bin has 3068 bytes, no multiple of the record size 3073/,
    ],
    ['a label out of range', () => cifar('label', new Uint8Array(record).fill(200)), /label 200 at record 0/],
  ])('%s', (_, data, message) => {
    const out = join(folder, 'refused');
    const { status, stderr } = run('--out', out, '--data', data());
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
    expect(existsSync(out)).toBe(false);
  });
});

describe('a small study', () => {
  const small = ['--train', '200', '--test', '100', '--epochs', '2', '--bits', '32,2', '--seeds', '1,2'];
  let out: string;
  beforeAll(() => {
    out = join(folder, 'small');
    const { status, stderr, stdout } = run('--out', out, ...small, '--measure', 'corruptions,landscape,norms');
    // The progress bar goes there; nothing else may.
    expect(stderr.split('\n').filter((line) => line.trim() && !/^[█░]+ /.test(line))).toEqual([]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/Computing 4 trials on \d process.* \(wasm, 1 thread each\), about \d+ s/);
  });

  it('stores a file a trial, with setting and numbers, and its cost beside it', () => {
    const results = resultsOf(out);
    expect(results).toHaveLength(4);
    expect(results.map(({ id }) => id)).toEqual(results.map(({ id }) => id).sort());
    const { numbers } = results.find(({ bits }) => bits === 2)!;
    expect(numbers!.stepSizes).toHaveLength(7);
    expect(numbers!.gap.loss).toBeCloseTo(numbers!.test.loss - numbers!.train.loss, 7);
    expect(numbers!.distorted).toHaveLength(18);
    for (const { loss, gap } of numbers!.distorted!) expect(gap).toBeCloseTo(loss - numbers!.train.loss, 7);
    const costs = readCosts(out);
    expect(costs.map(({ id }) => id)).toEqual(results.map(({ id }) => id));
    expect(Object.keys(costs[0]!.seconds)).toEqual([
      'building',
      'training',
      'evaluating',
      'corruptions',
      'norms',
      'landscape',
    ]);
  });

  it('writes a page that needs nothing beside itself, tables and JSON', () => {
    const page = readFileSync(join(out, 'report.html'), 'utf8');
    expect(page).toContain('<svg');
    expect(page).toContain('data:image/png;base64');
    expect(page.match(/(src|href)="(?!data:|#)[^"]*"/g)).toBeNull();
    expect(readdirSync(join(out, 'tables')).sort()).toEqual(['distortions.csv', 'gap.csv', 'steps.csv', 'weights.csv']);
    expect(JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))).toHaveProperty('claims');
  });

  it('computes nothing again, and again what was taken away, to the same bytes', () => {
    const before = mergedOf(out);
    const [first] = resultsOf(out);
    rmSync(join(out, 'results', `${first!.id}.json`));
    const { status, stdout } = run('--out', out, ...small, '--measure', 'corruptions,landscape,norms');
    expect(status).toBe(0);
    expect(stdout).toContain('Kept from');
    expect(stdout).toContain('Computing 1 trials on 1 process');
    expect(mergedOf(out)).toBe(before);
  });

  it('refuses a folder of another study and changes nothing', () => {
    const before = mergedOf(out);
    const { status, stderr } = run('--out', out, ...small, '--measure', 'none');
    expect(status).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/belongs to another study \(.*measuring.parts.*\); give another folder with --out/);
    expect(mergedOf(out)).toBe(before);
  });
});

it('goes on after kills of a worker and of the whole command, with at most the trials in hand to repeat', async () => {
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
    '1',
    '--measure',
    'none',
  ];
  const out = join(folder, 'killed');
  const until = async (what: () => boolean) => {
    while (!what()) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const child = spawn(process.execPath, [...study, '--out', out, '--workers', '1', ...tiny], {
    cwd: __ROOT__,
    stdio: 'ignore',
  });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  await until(() => readClaims(out).length > 0);
  const [claim] = readClaims(out);
  process.kill(claim!.pid, 'SIGKILL');
  // The other trial is computed by a worker in its place.
  await until(() => readClaims(out).some(({ id }) => id !== claim!.id) || finishedIds(out).size > 0);
  expect(run('status', '--out', out).stdout).toMatch(/failed: .* its worker ended with SIGKILL before it was finished/);
  child.kill('SIGKILL');
  await exit;
  expect(run('--out', out, ...tiny).status).toBe(0);
  expect(finishedIds(out).size).toBe(2);
  expect(run('status', '--out', out).stdout).toContain('2 of 2 trials done, 0 running, 0 failed');
});

it('a training that diverges is a result, left out of the means and said in the report', () => {
  const out = join(folder, 'diverged');
  const wild = [
    '--train',
    '200',
    '--test',
    '100',
    '--epochs',
    '2',
    '--bits',
    '32',
    '--seeds',
    '1',
    '--measure',
    'none',
  ];
  const { status, stdout } = run('--out', out, ...wild, '--learning-rate', '99', '--weight-decay', '1');
  expect({ status, stdout }).toMatchObject({ status: 0 });
  expect(resultsOf(out)[0]).toMatchObject({ outcome: 'diverged', numbers: null });
  expect(run('status', '--out', out).stdout).toMatch(/1 of 1 trials done \(1 diverged\)/);
});
