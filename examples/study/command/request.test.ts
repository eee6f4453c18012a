import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trialsOf } from '../plan/grid';
import { GRIDS } from '../plan/grids';
import { readRequest } from './request';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'qgen-request-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const gridFile = (content: string) => {
  const file = join(folder, `${Math.random()}.json`);
  writeFileSync(file, content);
  return file;
};

describe('the grids', () => {
  it('quick: three trainings of each of four precisions', () => {
    const trials = trialsOf(readRequest([])!.grid);
    expect(trials).toHaveLength(12);
    expect(trials.map(({ seed, bits }) => [seed, bits]).slice(0, 5)).toEqual([
      [1, 32],
      [1, 8],
      [1, 4],
      [1, 2],
      [2, 32],
    ]);
  });

  it("paper-cifar10: the appendix's 3 optimizers × 3 rates × 3 decays × 3 widths × 3 depths = 243 settings, 972 networks", () => {
    for (const name of ['paper-cifar10', 'paper-cifar100'] as const) {
      const trials = trialsOf(GRIDS[name]);
      expect(trials).toHaveLength(972);
      expect(new Set(trials.map(({ setting }) => JSON.stringify(setting))).size).toBe(243);
      for (const { setting } of trials)
        expect(setting).toMatchObject({ epochs: 300, milestones: [100, 200], batchSize: 128, momentum: 0.9 });
    }
    const depths = (name: 'paper-cifar10' | 'paper-cifar100') => [
      ...new Set(trialsOf(GRIDS[name]).map(({ setting }) => setting.depth)),
    ];
    expect(depths('paper-cifar10')).toEqual([2, 3, 4]);
    expect(depths('paper-cifar100')).toEqual([3, 4, 5]);
  });

  it('reduced: 32 settings × 4 precisions and a second seed of eight; both levels of rate, optimizer and width from the start', () => {
    const trials = trialsOf(GRIDS.reduced);
    expect(trials).toHaveLength(160);
    expect(new Set(trials.map(({ setting }) => JSON.stringify(setting))).size).toBe(32);
    const first = trials.slice(0, 32);
    for (const axis of ['optimizer', 'width', 'learningRate'] as const) {
      const levels = first.map(({ setting }) => setting[axis]);
      for (const level of new Set(levels))
        expect(levels.filter((each) => each === level)).toHaveLength(32 / new Set(levels).size);
    }
  });

  it('a file: what it leaves out is that of quick', () => {
    const file = gridFile(
      '{"base":{"epochs":3},"stages":[{"vary":[[{"width":1},{"width":2}]],"seeds":[5]}],"bits":[32,4]}',
    );
    const trials = trialsOf(readRequest(['--grid', file])!.grid);
    expect(trials.map(({ setting, seed, bits }) => [setting.width, setting.epochs, seed, bits])).toEqual([
      [1, 3, 5, 32],
      [1, 3, 5, 4],
      [2, 3, 5, 32],
      [2, 3, 5, 4],
    ]);
  });

  it('options change what the grid starts from; milestones move with the epochs', () => {
    const { grid } = readRequest([
      '--epochs',
      '24',
      '--models',
      'networkInNetwork,resnet18',
      '--recipe',
      'sam',
      '--seeds',
      '1',
    ])!;
    const trials = trialsOf(grid).filter(({ bits }) => bits === 4);
    expect(trials.map(({ setting }) => [setting.model, setting.recipe, setting.width])).toEqual([
      ['networkInNetwork', 'sam', 1],
      ['resnet18', 'sam', null],
    ]);
    expect(trials[0]!.setting.milestones).toEqual([8, 16]);
  });

  it("--weights: the paper's fine-tuning schedule for ImageNet", () => {
    const { grid } = readRequest(['--weights', 'resnet18.safetensors'])!;
    expect(grid.base).toMatchObject({ epochs: 120, milestones: [30, 60, 90], learningRate: 0.01, weightDecay: 1e-4 });
  });
});

it.each([
  ['an unknown command', ['walk'], /there is no command 'walk'; there are run, work, submit, status, report/],
  [
    'an unknown backend',
    ['--backend', 'webgl'],
    /--backend must be one of cpu, wasm, webgpu, node, node-gpu, got 'webgl'/,
  ],
  ['no threads', ['--threads', '0'], /--threads takes an integer from 1 to 1024, got '0'/],
  ['bits 1', ['--bits', '32,1'], /--bits takes precisions from 2 to 8, or 32 for float, got '1'/],
  ['bits 2.5', ['--bits', '2.5'], /got '2.5'/],
  ['bits twice', ['--bits', '4,4'], /twice/],
  ['an unknown option', ['--bit', '4'], /Unknown option '--bit'; --help lists the options/],
  ['a seed that is none', ['--seeds=1,-1'], /--seeds takes an integer from 0 to 4294967295, got '-1'/],
  ['no epochs', ['--epochs', '0'], /--epochs takes an integer from 1/],
  ['a rate that is no number', ['--learning-rate', 'fast'], /--learning-rate takes a number/],
  ['an unknown measure', ['--measure', 'beta'], /--measure takes sigma, alpha, latent, .*, got 'beta'/],
  ['an unknown model', ['--models', 'lenet'], /--models takes networkInNetwork, .*, got 'lenet'/],
  [
    'an unknown grid',
    ['--grid', 'huge'],
    /--grid must be one of quick, reduced, paper-cifar10, paper-cifar100 or a JSON file/,
  ],
])('%s is one line', (_, args, message) => {
  expect(() => readRequest(args)).toThrow(message);
});

it.each([
  ['no JSON', '{', /is no JSON/],
  ['an unknown name', '{"bit":[4]}', /there is no bit; there are name, source, base, stages/],
  [
    'an optimizer that is none',
    '{"base":{"optimizer":"lion"}}',
    /base.optimizer must be one of sgd, adam, rmsprop, got 'lion'/,
  ],
  ['no seeds', '{"stages":[{"vary":[],"seeds":[]}]}', /stages\[0\].seeds must be a list of at least one/],
  [
    'a level with an unknown name',
    '{"stages":[{"vary":[[{"wide":2}]],"seeds":[1]}]}',
    /there is no level of an axis: wide/,
  ],
  ['bits 9', '{"bits":[9]}', /precisions are 2 to 8, or 32 for float, got '9'/],
])('a grid file with %s is one line', (_, content, message) => {
  const file = gridFile(content);
  expect(() => readRequest(['--grid', file])).toThrow(message);
});

it('--help asks for help', () => {
  expect(readRequest(['--help'])).toBeNull();
});
