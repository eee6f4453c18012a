import { existsSync, readFileSync } from 'node:fs';
import { CORRUPTIONS } from '@qgen/corruptions';
import { UsageError } from '../../shared/usage-error';
import type { Grid, Stage } from './grid';
import { GRID_NAMES, GRIDS, type GridName } from './grids';
import { type Measuring, PARTS } from './measuring';
import { FLOAT, MODELS, OPTIMIZERS, RECIPES, type Setting } from './setting';

/** A grid by its name, or one of a JSON file in the form of `Grid`; what a file leaves out is that of `quick`. */
export function readGrid(nameOrFile: string): Grid {
  if ((GRID_NAMES as readonly string[]).includes(nameOrFile)) return GRIDS[nameOrFile as GridName];
  if (!existsSync(nameOrFile))
    throw new UsageError(`--grid must be one of ${GRID_NAMES.join(', ')} or a JSON file, got '${nameOrFile}'`);
  const given = parse(nameOrFile);
  const fail: Fail = (what) => {
    throw new UsageError(`--grid: ${nameOrFile}: ${what}`);
  };
  const { base, stages, measuring, ...rest } = GRIDS.quick;
  const whole: Grid = {
    ...{ stages, ...rest, source: nameOrFile, name: nameOrFile, ...given },
    base: { ...base, ...given.base },
    measuring: { ...measuring, ...given.measuring },
  };
  requireKeys(whole, Object.keys(GRIDS.quick), '', fail);
  checkSetting(whole.base, 'base', fail);
  requireKeys(whole.base, Object.keys(base), 'base.', fail);
  checkStages(whole.stages, base, fail);
  for (const b of requireList(whole.bits, 'bits', fail)) checkBits(b, fail);
  for (const name of ['train', 'test'] as const) if (whole[name] !== null) requireInteger(whole[name], name, 1, fail);
  requireInteger(whole.downsample, 'downsample', 1, fail);
  checkMeasuring(whole.measuring, measuring, fail);
  return whole;
}

type Fail = (what: string) => never;

function parse(file: string): Partial<Grid> {
  try {
    const given = JSON.parse(readFileSync(file, 'utf8')) as unknown;
    if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Partial<Grid>;
  } catch (error) {
    throw new UsageError(`--grid: ${file} is no JSON (${(error as Error).message})`);
  }
  throw new UsageError(`--grid: ${file} must hold an object`);
}

function checkStages(stages: readonly Stage[], base: Setting, fail: Fail): void {
  for (const [i, stage] of requireList(stages, 'stages', fail).entries()) {
    requireKeys(stage, ['vary', 'seeds'], `stages[${i}].`, fail);
    for (const seed of requireList(stage.seeds, `stages[${i}].seeds`, fail)) requireInteger(seed, 'a seed', 0, fail);
    if (!Array.isArray(stage.vary)) fail(`stages[${i}].vary must be a list of lists of settings`);
    for (const axis of stage.vary)
      for (const level of requireList<Partial<Setting>>(axis, `an axis of stages[${i}].vary`, fail)) {
        requireKeys(level, Object.keys(base), 'level of an axis: ', fail);
        checkSetting({ ...base, ...level }, 'a level of an axis', fail);
      }
  }
}

function checkSetting(setting: Setting, where: string, fail: Fail): void {
  const oneOf = (name: 'model' | 'optimizer' | 'recipe', names: readonly string[]) => {
    if (!names.includes(setting[name]))
      fail(`${where}.${name} must be one of ${names.join(', ')}, got '${setting[name]}'`);
  };
  oneOf('model', MODELS);
  oneOf('optimizer', OPTIMIZERS);
  oneOf('recipe', RECIPES);
  for (const name of ['epochs', 'batchSize'] as const) requireInteger(setting[name], `${where}.${name}`, 1, fail);
  for (const name of ['learningRate', 'momentum', 'weightDecay'] as const)
    if (!(typeof setting[name] === 'number' && setting[name] >= 0 && setting[name] < 100))
      fail(`${where}.${name} must be a number from 0, got ${setting[name]}`);
  for (const name of ['width', 'depth'] as const)
    if (setting[name] !== null && !(setting[name] > 0))
      fail(`${where}.${name} must be positive or null, got ${setting[name]}`);
  if (!Array.isArray(setting.milestones)) fail(`${where}.milestones must be a list of epochs`);
}

function checkMeasuring(measuring: Measuring, known: Measuring, fail: Fail): void {
  requireKeys(measuring, Object.keys(known), 'measuring.', fail);
  const unknown = measuring.parts.find((part) => !PARTS.includes(part));
  if (unknown) fail(`measuring.parts has '${unknown}'; there are ${PARTS.join(', ')}`);
  const name = measuring.corruptions.find((each) => !(CORRUPTIONS as readonly string[]).includes(each));
  if (name) fail(`measuring.corruptions has '${name}'; there are ${CORRUPTIONS.join(', ')}`);
  for (const severity of measuring.severities)
    if (![1, 2, 3, 4, 5].includes(severity)) fail(`severities are 1 to 5, got ${severity}`);
}

export function checkBits(bits: number, fail: Fail): void {
  if (!(Number.isInteger(bits) && ((bits >= 2 && bits <= 8) || bits === FLOAT)))
    fail(`precisions are 2 to 8, or 32 for float, got '${bits}'`);
}

function requireKeys(given: object, known: readonly string[], prefix: string, fail: Fail): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown) fail(`there is no ${prefix}${unknown}; there are ${known.join(', ')}`);
}

function requireList<T>(given: readonly T[], name: string, fail: Fail): readonly T[] {
  if (!Array.isArray(given) || given.length === 0) fail(`${name} must be a list of at least one`);
  return given;
}

function requireInteger(given: unknown, name: string, minimum: number, fail: Fail): void {
  if (!(Number.isSafeInteger(given) && (given as number) >= minimum))
    fail(`${name} must be an integer from ${minimum}, got ${given}`);
}
