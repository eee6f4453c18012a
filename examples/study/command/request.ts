import { parseArgs } from 'node:util';
import { UsageError } from '../../shared/usage-error';
import { BACKENDS, type Backend } from '../plan/backend-name';
import type { Grid } from '../plan/grid';
import { PARTS, type Part } from '../plan/measuring';
import { checkBits, readGrid } from '../plan/read-grid';
import { MODELS, type ModelName, RECIPES, type RecipeName, type Setting } from '../plan/setting';

const COMMANDS = ['run', 'work', 'submit', 'status', 'report'] as const;
type Command = (typeof COMMANDS)[number];

export interface Request {
  readonly command: Command;
  readonly out: string;
  /** The grid with what the command line changes in it. */
  readonly grid: Grid;
  readonly data: string | null;
  readonly corrupted: string | null;
  readonly weights: string | null;
  readonly imageSize: number;
  readonly backend: Backend;
  readonly threads: number;
  readonly workers: number | null;
  readonly shard: string | null;
  readonly minutes: number;
  readonly shards: number | null;
  readonly sbatch: string;
  readonly slurm: boolean;
  readonly dryRun: boolean;
}

/** ImageNet of the paper: from float weights, 120 epochs, the rate divided by 10 at 30, 60 and 90. */
const FINE_TUNING: Partial<Setting> = {
  model: 'resnet18',
  width: null,
  depth: null,
  epochs: 120,
  milestones: [30, 60, 90],
  learningRate: 0.01,
  weightDecay: 1e-4,
  batchSize: 128,
};

/** Reads the command line; null when help is asked for. Throws a UsageError that names what is wrong and the remedy. */
export function readRequest(args: readonly string[]): Request | null {
  const { values, positionals } = parse(args);
  if (values.help) return null;
  const [command = 'run', ...others] = positionals;
  if (!(COMMANDS as readonly string[]).includes(command) || others.length > 0)
    throw new UsageError(`there is no command '${positionals.join(' ')}'; there are ${COMMANDS.join(', ')}`);
  const backend = BACKENDS.find((name) => name === values.backend);
  if (!backend) throw new UsageError(`--backend must be one of ${BACKENDS.join(', ')}, got '${values.backend}'`);
  const { threads } = values;
  return {
    command: command as Command,
    out: values.out,
    grid: changedGrid(values),
    data: values.data ?? null,
    corrupted: values.corrupted ?? null,
    weights: values.weights ?? null,
    imageSize: integer('image-size', values['image-size'], 8, 4096),
    backend,
    threads: threads === undefined ? 1 : integer('threads', threads, 1, 1024),
    workers: values.workers === undefined ? null : integer('workers', values.workers, 1, 1024),
    shard: values.shard ?? null,
    minutes: integer('minutes', values.minutes, 1, 100_000),
    shards: values.shards === undefined ? null : integer('shards', values.shards, 1, 1_000_000),
    sbatch: values.sbatch,
    slurm: values.slurm,
    dryRun: values['dry-run'],
  };
}

const OPTIONS = {
  out: { type: 'string', default: 'results/study' },
  grid: { type: 'string', default: 'quick' },
  data: { type: 'string' },
  corrupted: { type: 'string' },
  weights: { type: 'string' },
  'image-size': { type: 'string', default: '224' },
  backend: { type: 'string', default: 'wasm' },
  workers: { type: 'string' },
  threads: { type: 'string' },
  bits: { type: 'string' },
  seeds: { type: 'string' },
  models: { type: 'string' },
  recipe: { type: 'string' },
  measure: { type: 'string' },
  width: { type: 'string' },
  depth: { type: 'string' },
  epochs: { type: 'string' },
  'batch-size': { type: 'string' },
  'learning-rate': { type: 'string' },
  momentum: { type: 'string' },
  'weight-decay': { type: 'string' },
  train: { type: 'string' },
  test: { type: 'string' },
  shard: { type: 'string' },
  minutes: { type: 'string', default: '10' },
  shards: { type: 'string' },
  sbatch: { type: 'string', default: '' },
  slurm: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. ')[0]}; --help lists the options`);
  }
}
type Values = ReturnType<typeof parse>['values'];

function changedGrid(values: Values): Grid {
  const grid = readGrid(values.grid);
  const bits = values.bits?.split(',').map((text) => {
    const value = /^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN;
    checkBits(value, () => {
      throw new UsageError(`--bits takes precisions from 2 to 8, or 32 for float, got '${text}'`);
    });
    return value;
  });
  if (bits && new Set(bits).size < bits.length)
    throw new UsageError(`--bits names a precision twice: '${values.bits}'`);
  const seeds = values.seeds?.split(',').map((text) => integer('seeds', text.trim(), 0, 2 ** 32 - 1));
  const models = names<ModelName>('models', values.models, MODELS);
  const recipes = names<RecipeName>('recipe', values.recipe, RECIPES);
  const more = [models?.map((model) => architecture(model)), recipes?.map((recipe) => ({ recipe }))].flatMap((axis) =>
    axis ? [axis] : [],
  );
  const parts = values.measure === 'none' ? [] : names<Part>('measure', values.measure, PARTS);
  const split = (name: 'train' | 'test') =>
    values[name] === undefined ? grid[name] : integer(name, values[name], 100, 10_000_000);
  return {
    ...grid,
    base: changedSetting({ ...grid.base, ...(values.weights !== undefined && FINE_TUNING) }, values),
    stages: grid.stages.map((stage) => ({ vary: [...stage.vary, ...more], seeds: seeds ?? stage.seeds })),
    bits: bits ?? grid.bits,
    train: split('train'),
    test: split('test'),
    measuring: { ...grid.measuring, ...(parts && { parts }) },
  };
}

/** Of the other architectures a grid's width and depth say nothing. */
const architecture = (model: ModelName): Partial<Setting> =>
  model === 'networkInNetwork' ? { model } : { model, width: null, depth: null };

function changedSetting(base: Setting, values: Values): Setting {
  const whole = (name: 'depth' | 'epochs' | 'batch-size', minimum: number, maximum: number, now: number | null) =>
    values[name] === undefined ? now : integer(name, values[name], minimum, maximum);
  const real = (name: 'width' | 'learning-rate' | 'momentum' | 'weight-decay', maximum: number, now: number | null) =>
    values[name] === undefined ? now : numberUpTo(name, values[name], maximum);
  const epochs = whole('epochs', 1, 100_000, base.epochs)!;
  return {
    ...base,
    width: real('width', 4096, base.width),
    depth: whole('depth', 1, 64, base.depth),
    epochs,
    milestones: base.milestones.map((milestone) => Math.round((milestone * epochs) / base.epochs)),
    batchSize: whole('batch-size', 2, 65_536, base.batchSize)!,
    learningRate: real('learning-rate', 100, base.learningRate)!,
    momentum: real('momentum', 1, base.momentum)!,
    weightDecay: real('weight-decay', 1, base.weightDecay)!,
  };
}

function names<T extends string>(option: string, text: string | undefined, known: readonly T[]): T[] | undefined {
  return text?.split(',').map((name) => {
    const found = known.find((each) => each === name.trim());
    if (!found) throw new UsageError(`--${option} takes ${known.join(', ')}, got '${name}'`);
    return found;
  });
}

function integer(name: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum || value > maximum)
    throw new UsageError(`--${name} takes an integer from ${minimum} to ${maximum}, got '${text}'`);
  return value;
}

function numberUpTo(name: string, text: string, maximum: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= maximum))
    throw new UsageError(`--${name} takes a number from 0 to ${maximum}, got '${text}'`);
  return value;
}
