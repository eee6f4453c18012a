import type { CorruptionName } from '@qgen/corruptions';

export const PRECISIONS = [32, 8, 7, 6, 5, 4, 3, 2] as const;

/** A grey picture of 28×28, values in 0..1. */
export type Picture = Float32Array;

/** The files of a LayersModel as tfjs saves it: model.json and its weights. */
export interface ModelFiles {
  readonly topology: string;
  readonly weights: readonly { readonly name: string; readonly bytes: ArrayBuffer }[];
}

/** What the page asks of the worker. */
export type Request =
  | { readonly type: 'start'; readonly backend: string | null; readonly digits: string }
  | { readonly type: 'train' }
  | { readonly type: 'stop' }
  | { readonly type: 'reset' }
  | { readonly type: 'bits'; readonly bits: number }
  | { readonly type: 'layer'; readonly layer: number }
  | { readonly type: 'landscape' }
  | { readonly type: 'picture'; readonly picture: Picture | null }
  | { readonly type: 'corrupt'; readonly name: CorruptionName; readonly severity: number }
  | { readonly type: 'model'; readonly files: ModelFiles };

export interface LossPoint {
  readonly step: number;
  readonly bits: number;
  readonly train: number;
  readonly test: number;
  readonly accuracy: number;
}

/** One layer's weights, with the bins that they are quantized to (none in float). */
export interface LayerWeights {
  readonly layer: string;
  readonly weights: Float32Array;
  readonly bins: readonly number[];
}

export interface Status {
  readonly backend: string;
  readonly bits: number;
  readonly step: number;
  readonly training: boolean;
  readonly layers: readonly string[];
  /** Steps per second of the last stretch of training. */
  readonly speed: number;
}

/** What the worker tells the page. */
export type Reply =
  | { readonly type: 'status'; readonly status: Status }
  | { readonly type: 'loss'; readonly points: readonly LossPoint[] }
  | { readonly type: 'steps'; readonly steps: readonly { readonly layer: string; readonly step: number }[] }
  | { readonly type: 'weights'; readonly weights: LayerWeights }
  | {
      readonly type: 'landscape';
      readonly size: number;
      readonly rows: readonly (readonly number[])[];
      readonly done: boolean;
    }
  | {
      readonly type: 'corrupted';
      readonly clean: Picture;
      readonly corrupted: Picture;
      readonly probabilities: readonly number[];
    }
  | { readonly type: 'problem'; readonly message: string };
