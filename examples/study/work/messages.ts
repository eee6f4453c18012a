import type { TrialResult } from '../folder/result';

export type ToWorker = { readonly kind: 'run'; readonly id: string } | { readonly kind: 'end' };

export type FromWorker =
  | { readonly kind: 'ready'; readonly computing: string }
  | { readonly kind: 'stage'; readonly id: string; readonly stage: string; readonly share: number }
  | { readonly kind: 'done'; readonly id: string; readonly outcome: TrialResult['outcome'] }
  /** Another process computes it. */
  | { readonly kind: 'taken'; readonly id: string }
  | { readonly kind: 'failed'; readonly id: string; readonly reason: string }
  /** The worker can't compute at all. */
  | { readonly kind: 'unfit'; readonly reason: string };
