import { mkdirSync, readdirSync, readFileSync, statSync, unlinkSync, utimesSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { publish } from './publish';

/** Who computes a trial at present: `running/<id>.json`, which is touched as long as they live. */
export interface Claim {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly started: string;
  /** Whether the one who made it is gone: the process on this machine, or two minutes without a sign of life. */
  readonly stale: boolean;
}

const TOUCHED_EVERY = 20_000;
const STALE_AFTER = 120_000;

const folderOf = (out: string) => join(out, 'running');
const fileOf = (out: string, id: string) => join(folderOf(out), `${id}.json`);

/**
 * Claims a trial, so that no other worker begins it meanwhile; null if a living one has. Claims only save work: two workers
 * that compute the same trial store it once. `release` ends the claim.
 */
export function claim(out: string, id: string): { release(): void } | null {
  mkdirSync(folderOf(out), { recursive: true });
  const path = fileOf(out, id);
  if (!create(path, id)) {
    const other = readClaim(out, id);
    if (other && !other.stale) return null;
    remove(path);
    if (!create(path, id)) return null;
  }
  const timer = setInterval(() => touch(path), TOUCHED_EVERY);
  timer.unref();
  return {
    release() {
      clearInterval(timer);
      remove(path);
    },
  };
}

export function readClaims(out: string): readonly Claim[] {
  try {
    const files = readdirSync(folderOf(out)).filter((file) => file.endsWith('.json'));
    return files.flatMap((file) => readClaim(out, file.replace(/\.json$/, '')) ?? []);
  } catch {
    return [];
  }
}

function readClaim(out: string, id: string): Claim | undefined {
  try {
    const path = fileOf(out, id);
    const silent = Date.now() - statSync(path).mtimeMs > STALE_AFTER;
    const text = readFileSync(path, 'utf8');
    const { host, pid, started } = JSON.parse(text) as Claim;
    return { id, host, pid, started, stale: silent || (host === hostname() && !lives(pid)) };
  } catch {
    return undefined;
  }
}

/** Whole or not at all: of a claim without a name nobody could tell whether its maker lives. */
function create(path: string, id: string): boolean {
  return publish(path, JSON.stringify({ id, host: hostname(), pid: process.pid, started: new Date().toISOString() }));
}

function touch(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // Another worker took it for stale and removed it: both go on, and the first to finish is stored.
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Already gone.
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
