import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from './configuration';
import { UsageError } from './configuration';

interface LossAndAccuracy {
  readonly loss: number;
  readonly lossStandardError: number;
  readonly accuracy: number;
}

/** A scale found by search, with its evidence. */
export interface Scale {
  readonly value: number | null;
  readonly interval: readonly [number, number] | null;
  readonly status: string;
}

/** One PAC-Bayes measure: μ and √(μ/m). */
interface Measure {
  readonly mu: number | null;
  readonly normalized: number | null;
}

export const PAC_BAYES = ['pacBayes.init', 'pacBayes.orig', 'pacBayes.mag.init', 'pacBayes.mag.orig'] as const;
type PacBayesId = (typeof PAC_BAYES)[number];

/** One line of results.jsonl: everything about one trained network. */
export interface Trial {
  readonly bits: number;
  readonly seed: number;
  readonly configuration: Configuration;
  readonly backend: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly seconds: { readonly training: number; readonly measuring: number };
  readonly dataset: {
    readonly name: string;
    readonly train: number;
    readonly test: number;
    readonly distorted: number;
  };
  readonly history: { readonly trainLoss: readonly number[]; readonly bestEpoch: number };
  readonly train: LossAndAccuracy;
  readonly test: LossAndAccuracy;
  /** Test loss − train loss, with its standard error. */
  readonly gap: { readonly loss: number; readonly standardError: number };
  /** Empty for the float network. */
  readonly stepSizes: readonly { readonly layer: string; readonly step: number; readonly zeroFraction: number }[];
  /** ‖ŵ‖₂ over all kernels. */
  readonly weightNorm: number;
  readonly sigma: Scale;
  readonly sigmaMagnitude: Scale;
  /** The view and the dialect that the measures were taken in: a measure means nothing without them. */
  readonly view: string;
  readonly dialect: string;
  readonly measures: Readonly<Record<PacBayesId, Measure>>;
  /** Loss and accuracy of the corrupted test split; gap = that loss − the clean training loss. */
  readonly corruptions: readonly {
    readonly name: string;
    readonly severity: number;
    readonly loss: number;
    readonly accuracy: number;
    readonly gap: number;
    readonly gapStandardError: number;
  }[];
}

/** The finished trials of an output folder, and the lines that were dropped because a kill cut them off. */
export interface Results {
  readonly trials: readonly Trial[];
  readonly dropped: readonly string[];
}

const resultsFile = (out: string) => join(out, 'results.jsonl');

/**
 * Reads results.jsonl and rewrites it without the lines that a kill cut off. Throws a UsageError, and changes nothing,
 * if a trial belongs to another configuration or the file is none of ours.
 */
export function openResults(out: string, configuration: Configuration): Results {
  const file = resultsFile(out);
  if (!existsSync(file)) return { trials: [], dropped: [] };
  const lines = readFileSync(file, 'utf8').split('\n');
  const trials: Trial[] = [];
  const whole: string[] = [];
  const dropped: string[] = [];
  for (const line of lines) {
    if (line === '') continue;
    const trial = parseTrial(line);
    if (trial) {
      refuseOther(out, trial.configuration, configuration);
      trials.push(trial);
      whole.push(line);
    } else if (line.startsWith('{')) dropped.push(line);
    else throw new UsageError(`--out: ${file} is no file of this study; give another folder with --out`);
  }
  const clean = whole.map((line) => `${line}\n`).join('');
  if (clean !== lines.join('\n')) {
    writeFileSync(`${file}.new`, clean);
    renameSync(`${file}.new`, file);
  }
  return { trials, dropped };
}

/** Appends one trial as one line that is on disk when this returns. */
export function appendTrial(out: string, trial: Trial): void {
  mkdirSync(out, { recursive: true });
  const file = openSync(resultsFile(out), 'a');
  writeFileSync(file, `${JSON.stringify(trial)}\n`);
  fsyncSync(file);
  closeSync(file);
}

function parseTrial(line: string): Trial | undefined {
  try {
    const trial = JSON.parse(line) as Trial;
    return trial.configuration && trial.corruptions ? trial : undefined;
  } catch {
    return undefined;
  }
}

function refuseOther(out: string, theirs: Configuration, ours: Configuration): void {
  const different = (Object.keys(ours) as (keyof Configuration)[]).filter((key) => theirs[key] !== ours[key]);
  if (!different.length) return;
  const list = different.map((key) => `${key} ${theirs[key]} there, ${ours[key]} now`).join('; ');
  throw new UsageError(`--out: ${out} belongs to another configuration (${list}); give another folder with --out`);
}
