import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Trial } from './results';

const study = ['--conditions=@qgen/source', '--import', 'tsx', join(__ROOT__, 'examples/study/study.ts')];
const run = (...args: string[]) =>
  spawnSync(process.execPath, [...study, ...args], { cwd: __ROOT__, encoding: 'utf8' });
const lines = (out: string) => readFileSync(join(out, 'results.jsonl'), 'utf8').split('\n').slice(0, -1);
const bitsOf = (out: string) => lines(out).map((line) => (JSON.parse(line) as Trial).bits);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'qgen-study-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('bad input is one line that names the problem and the remedy, exit code 2, nothing written', () => {
  const record = 1 + 3072;
  const cifar = (name: string, trainBytes: Uint8Array, testBytes: Uint8Array = new Uint8Array(record)) => {
    const data = join(folder, name);
    mkdirSync(data);
    writeFileSync(join(data, 'data_batch_1.bin'), trainBytes);
    writeFileSync(join(data, 'test_batch.bin'), testBytes);
    return data;
  };
  const damaged = new Uint8Array(record).fill(200);
  it.each([
    [
      'an unknown backend',
      () => ['--backend', 'webgl'],
      /--backend must be one of cpu, wasm, webgpu, node, node-gpu, got 'webgl'/,
    ],
    ['no threads', () => ['--threads', '0'], /--threads takes an integer from 1 to 1024, got '0'/],
    ['bits 1', () => ['--bits', '32,1'], /--bits takes precisions from 2 to 8, or 32 for float, got '1'/],
    ['bits 9', () => ['--bits', '9'], /got '9'/],
    ['bits 2.5', () => ['--bits', '2.5'], /got '2.5'/],
    ['no bits', () => ['--bits', ''], /got ''/],
    ['bits twice', () => ['--bits', '4,4'], /twice/],
    ['an unknown option', () => ['--bit', '4'], /Unknown option '--bit'; --help lists the options/],
    ['a negative seed', () => ['--seed=-1'], /--seed takes an integer from 0/],
    ['no epochs', () => ['--epochs', '0'], /--epochs takes an integer from 1/],
    ['a learning rate that is no number', () => ['--learning-rate', 'fast'], /--learning-rate takes a number/],
    ['a data folder that is not there', () => ['--data', join(folder, 'nowhere')], /there is no folder .*nowhere/],
    ['a data folder without data', () => ['--data', folder], /lacks data_batch_1.bin .*unpack/],
    [
      'a truncated data file',
      () => ['--data', cifar('short', new Uint8Array(record - 5))],
      /data_batch_1.bin has 3068 bytes, no multiple of the record size 3073/,
    ],
    [
      'an empty data file',
      () => ['--data', cifar('empty', new Uint8Array(record), new Uint8Array(0))],
      /test_batch.bin has 0 bytes/,
    ],
    ['a label out of range', () => ['--data', cifar('label', damaged)], /label 200 at record 0/],
  ])('%s', (_, args, message) => {
    const out = join(folder, 'refused');
    const { status, stderr } = run('--out', out, ...args());
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
    expect(existsSync(out)).toBe(false);
  });
});

it('--help lists the options', () => {
  const { status, stdout } = run('--help');
  expect(status).toBe(0);
  expect(stdout).toContain('--bits LIST');
});

describe('a small study', () => {
  const small = ['--train', '300', '--test', '200', '--epochs', '2', '--bits', '32,2'];
  let out: string;
  beforeAll(() => {
    out = join(folder, 'small');
    const { status, stderr } = run('--out', out, ...small);
    // The progress bar goes there; nothing else may.
    expect(stderr.split('\n').filter((line) => line.trim() && !/^[█░]+ /.test(line))).toEqual([]);
    expect(status).toBe(0);
  });

  it('writes one line a trial, with configuration, versions, backend and numbers', () => {
    expect(bitsOf(out)).toEqual([32, 2]);
    const trial = JSON.parse(lines(out)[1]) as Trial;
    expect(trial).toMatchObject({ bits: 2, seed: 1, backend: 'wasm', view: 'dequantized', dialect: 'qgen' });
    expect(trial.versions.qgen).toMatch(/^\d+\.\d+\.\d+$/);
    expect(trial.stepSizes).toHaveLength(7);
    expect(trial.gap.loss).toBeCloseTo(trial.test.loss - trial.train.loss, 10);
    expect(trial.corruptions).toHaveLength(18);
    for (const { loss, gap } of trial.corruptions) expect(gap).toBeCloseTo(loss - trial.train.loss, 10);
  });

  it('writes a page that needs nothing beside itself', () => {
    const page = readFileSync(join(out, 'report.html'), 'utf8');
    expect(page).toContain('<svg');
    expect(page).toContain('data:image/png;base64');
    expect(page.match(/(src|href)="(?!data:|#)[^"]*"/g)).toBeNull();
  });

  it('keeps finished trials, drops a half-written line and says so', () => {
    const before = lines(out);
    appendFileSync(join(out, 'results.jsonl'), before[0].slice(0, 500));
    const { status, stdout } = run('--out', out, ...small);
    expect(status).toBe(0);
    expect(stdout).toContain('Dropped a half-written line');
    expect(stdout).toContain('Kept from');
    expect(lines(out)).toEqual(before);
  });

  it('redoes the trial whose line was cut off, and gets the same numbers', () => {
    const before = lines(out);
    writeFileSync(join(out, 'results.jsonl'), `${before[0]}\n${before[1].slice(0, -40)}`);
    expect(run('--out', out, ...small).status).toBe(0);
    const after = lines(out);
    expect(after[0]).toBe(before[0]);
    const numbers = (line: string) => ({ ...(JSON.parse(line) as Trial), seconds: null });
    expect(numbers(after[1])).toEqual(numbers(before[1]));
  });

  it('refuses a folder of another configuration and changes nothing', () => {
    const before = readFileSync(join(out, 'results.jsonl'), 'utf8');
    const { status, stderr } = run('--out', out, ...small, '--seed', '2');
    expect(status).toBe(2);
    expect(stderr).toMatch(/belongs to another configuration \(seed 1 there, 2 now\); give another folder with --out/);
    expect(readFileSync(join(out, 'results.jsonl'), 'utf8')).toBe(before);
  });

  it('refuses a file that is none of its own', () => {
    const foreign = join(folder, 'foreign');
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'results.jsonl'), 'a,b\n1,2\n');
    expect(run('--out', foreign, ...small).status).toBe(2);
    expect(readFileSync(join(foreign, 'results.jsonl'), 'utf8')).toBe('a,b\n1,2\n');
  });

  it('goes on after a kill with at most one trial to redo', async () => {
    const killed = join(folder, 'killed');
    const child = spawn(process.execPath, [...study, '--out', killed, ...small], { cwd: __ROOT__, stdio: 'ignore' });
    while (!existsSync(join(killed, 'results.jsonl'))) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    const first = lines(killed);
    expect(first.length).toBeLessThan(2);
    expect(run('--out', killed, ...small).status).toBe(0);
    expect(bitsOf(killed)).toEqual([32, 2]);
    if (first.length) expect(lines(killed)[0]).toBe(first[0]);
  });
});
