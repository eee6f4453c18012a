import { createHash } from 'node:crypto';
import type { Measuring } from './measuring';
import type { Trial } from './setting';

/** Everything beside setting, seed and precision that decides the numbers of a trial; the same for all of a study. */
export interface Conditions {
  readonly data: {
    readonly name: string;
    readonly shape: readonly [number, number, number];
    readonly classes: number;
    readonly downsample: number;
    readonly train: number;
    readonly test: number;
    /** SHA-256 of the images and labels that are used, of distorted files where they are given, and of weights. */
    readonly sha256: string;
    readonly corrupted: string | null;
    readonly weights: string | null;
  };
  readonly measuring: Measuring;
  readonly backend: string;
  /** Threads of one process. */
  readonly threads: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** Raised whenever the code of the study computes other numbers from the same conditions. */
const PROTOCOL = 1;

/** 16 hexadecimal digits that are the same wherever and whenever the same trial is planned. */
export function trialId(conditions: Conditions, trial: Trial): string {
  return digest({ protocol: PROTOCOL, conditions, trial }).slice(0, 16);
}

/** SHA-256 of a value as JSON with the keys of its objects in order. */
export function digest(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
