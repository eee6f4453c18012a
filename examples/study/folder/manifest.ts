import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../shared/usage-error';
import type { Trial } from '../plan/setting';
import { type Conditions, digest, trialId } from '../plan/trial-id';
import { publish } from './publish';

/** A trial of the study under its id. */
export interface Planned extends Trial {
  readonly id: string;
}

/** What a study is: its trials, and all that decides their numbers. */
export interface Manifest {
  readonly format: 'qgen-study 1';
  readonly grid: string;
  readonly source: string;
  readonly conditions: Conditions;
  /** In the order in which they are computed. */
  readonly trials: readonly Planned[];
}

/** Where the data lie on this machine. They may move: what decides the numbers is their hash. */
export interface Paths {
  readonly data: string | null;
  readonly corrupted: string | null;
  readonly weights: string | null;
}

interface Stored extends Manifest {
  readonly paths: Paths;
  /** Of the rest but `paths`: tells a manifest that was edited. */
  readonly sha256: string;
}

const fileOf = (out: string) => join(out, 'manifest.json');

export function planManifest(
  grid: { readonly name: string; readonly source: string },
  conditions: Conditions,
  trials: readonly Trial[],
): Manifest {
  return {
    format: 'qgen-study 1',
    grid: grid.name,
    source: grid.source,
    conditions,
    trials: trials.map((trial) => ({ id: trialId(conditions, trial), ...trial })),
  };
}

/** Starts a study in this folder, or finds the same one there. Throws a UsageError if it holds another. */
export function openStudy(out: string, manifest: Manifest, paths: Paths): void {
  mkdirSync(out, { recursive: true });
  const stored: Stored = { ...manifest, paths, sha256: digest(manifest) };
  if (publish(fileOf(out), `${JSON.stringify(stored, null, 1)}\n`)) return;
  const there = readStudy(out).manifest;
  if (digest(there) === stored.sha256) return;
  throw new UsageError(
    `--out: ${out} belongs to another study (${difference(there, manifest)}); give another folder with --out`,
  );
}

/** Reads the manifest of a folder. Throws a UsageError if there is none, or one that isn't as it was written. */
export function readStudy(out: string): { readonly manifest: Manifest; readonly paths: Paths } {
  const file = fileOf(out);
  if (!existsSync(file))
    throw new UsageError(
      `${out} holds no study (no manifest.json); start one there with npm run study -- --out ${out}`,
    );
  const stored = parse(file);
  const { paths, sha256, ...manifest } = stored;
  if (manifest.format !== 'qgen-study 1')
    throw new UsageError(
      `${file} is of the format ${manifest.format}, this is qgen-study 1; give another folder with --out`,
    );
  const edited = manifest.trials?.find(({ id, ...trial }) => id !== trialId(manifest.conditions, trial));
  if (edited || digest(manifest) !== sha256)
    throw new UsageError(
      `${file} was changed after it was written${edited ? ` (trial ${edited.id} is no longer what its id says)` : ''}; restore it, or start anew in another folder with --out`,
    );
  return { manifest, paths };
}

function parse(file: string): Stored {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Stored;
  } catch {
    throw new UsageError(`${file} is no manifest of a study (no JSON); give another folder with --out`);
  }
}

/** The first few values that differ, by their path. */
function difference(there: unknown, now: unknown): string {
  const paths: string[] = [];
  const walk = (a: unknown, b: unknown, path: string): void => {
    if (JSON.stringify(a) === JSON.stringify(b) || paths.length >= 4) return;
    const nested = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
    if (!nested(a) || !nested(b) || (path === 'trials' && a.length !== b.length))
      paths.push(
        path === 'trials'
          ? `${(a as { length?: unknown })?.length} trials there, ${(b as { length?: unknown })?.length} now`
          : `${path} ${JSON.stringify(a)} there, ${JSON.stringify(b)} now`,
      );
    else
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        if (key !== 'id') walk(a[key], b[key], path ? `${path}.${key}` : key);
  };
  walk(there, now, '');
  return paths.join('; ').replaceAll('conditions.', '');
}
