import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../shared/usage-error';
import { digest } from '../plan/trial-id';
import type { Manifest } from './manifest';
import { publish } from './publish';
import type { TrialResult } from './result';

const folderOf = (out: string) => join(out, 'results');

/** Stores a finished trial, unless another worker has; says whether this was the first. */
export function storeResult(out: string, result: TrialResult): boolean {
  mkdirSync(folderOf(out), { recursive: true });
  return publish(join(folderOf(out), `${result.id}.json`), `${JSON.stringify(result, nineDigits)}\n`);
}

/** More digits than float32 has, and fewer than would fill the file. */
function nineDigits(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(9)) : value;
}

/** The ids of the finished trials. */
export function finishedIds(out: string): ReadonlySet<string> {
  return new Set(filesIn(out).map((file) => file.slice(0, -'.json'.length)));
}

/**
 * All finished trials, checked, in the order of their ids: the same wherever they were computed. Throws a UsageError that
 * names the file which is none of this study, of another format, or holds something other than finite numbers.
 */
export function readResults(out: string, { trials }: Manifest): readonly TrialResult[] {
  const planned = new Map(trials.map(({ id, ...trial }) => [id, digest(trial)]));
  return filesIn(out).map((name) => {
    const file = join(folderOf(out), name);
    const result = parse(file);
    const fault = faultOf(result, name.slice(0, -'.json'.length), planned);
    if (fault) throw new UsageError(`${file} ${fault}; move it away and run again`);
    return result;
  });
}

/** The finished trials as one text, a line each. */
export function merged(results: readonly TrialResult[]): string {
  return results.map((result) => `${JSON.stringify(result)}\n`).join('');
}

function filesIn(out: string): string[] {
  try {
    return readdirSync(folderOf(out))
      .filter((file) => file.endsWith('.json'))
      .sort();
  } catch {
    return [];
  }
}

function parse(file: string): TrialResult {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as TrialResult;
  } catch {
    throw new UsageError(`${file} is no result of a study (no JSON); move it away and run again`);
  }
}

function faultOf(result: TrialResult, id: string, planned: ReadonlyMap<string, string>): string | undefined {
  const { format, id: said, setting, seed, bits, outcome, numbers } = result ?? {};
  if (format !== 'qgen-study 1') return `is of the format ${format}, this is qgen-study 1`;
  if (said !== id) return `holds the trial ${said}`;
  if (!planned.has(id)) return 'is no trial of this study';
  if (planned.get(id) !== digest({ setting, seed, bits })) return 'says another setting than the manifest';
  if (outcome === 'diverged') return undefined;
  const missing = numbers ? missingNumber(numbers, '') : 'numbers';
  return missing && `holds no finite number at ${missing}`;
}

/** What may be null: a scale that was not found, the measures that need it, and parts that were not asked for. */
const OPTIONAL =
  /^(flatness|latent|distorted|norms|hessianTrace|landscape)$|\.(value|interval|mu|normalized|alpha)$|\.interval\.\d$|^norms\./;

/** JSON has no NaN and no infinity: they are null there. The path of the first null that ought to be a number. */
function missingNumber(value: unknown, path: string): string | undefined {
  if (value === null) return OPTIONAL.test(path) && path !== 'hessianTrace.value' ? undefined : path;
  if (typeof value !== 'object') return undefined;
  for (const [key, inner] of Object.entries(value as object)) {
    const found = missingNumber(inner, path ? `${path}.${key}` : key);
    if (found) return found;
  }
  return undefined;
}
