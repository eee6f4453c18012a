import { mkdirSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Why the last attempt at a trial failed: `failed/<id>.json`. */
export interface Failure {
  readonly id: string;
  readonly host: string;
  readonly at: string;
  readonly reason: string;
}

const folderOf = (out: string) => join(out, 'failed');
const fileOf = (out: string, id: string) => join(folderOf(out), `${id}.json`);

/** Notes a failure. A disk that takes no note either must not hide the reason, so that this never throws. */
export function noteFailure(out: string, id: string, reason: string): void {
  try {
    mkdirSync(folderOf(out), { recursive: true });
    const temporary = `${fileOf(out, id)}.${process.pid}.tmp`;
    writeFileSync(temporary, JSON.stringify({ id, host: hostname(), at: new Date().toISOString(), reason }));
    renameSync(temporary, fileOf(out, id));
  } catch {
    // The caller reports the reason as well.
  }
}

/** Forgets the failure of a trial that has succeeded since. */
export function clearFailure(out: string, id: string): void {
  try {
    unlinkSync(fileOf(out, id));
  } catch {
    // There was none.
  }
}

export function readFailures(out: string): readonly Failure[] {
  try {
    return readdirSync(folderOf(out))
      .filter((file) => file.endsWith('.json'))
      .map((file) => JSON.parse(readFileSync(join(folderOf(out), file), 'utf8')) as Failure);
  } catch {
    return [];
  }
}
