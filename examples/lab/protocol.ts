import type { CorruptionName } from '@qgen/corruptions';
import type { SearchStatus } from '@qgen/measures';

/** The bits of the four networks; 32 is float. */
export const PRECISIONS = [32, 8, 4, 2] as const;
export type Bits = (typeof PRECISIONS)[number];

/** Height and width of a picture. */
export const SIDE = 28;
/** A grey picture of 28×28, values in 0..1. */
export type Picture = Float32Array;

/** The files of a LayersModel as tfjs saves it: model.json and its weights. */
export interface ModelFiles {
  readonly topology: string;
  readonly weights: readonly { readonly name: string; readonly bytes: ArrayBuffer }[];
}

/** Where a network comes from: the lab's own with the weights of a seed, or the visitor's files. */
export type Origin = { readonly seed: number } | ModelFiles;

export interface LossPoint {
  readonly step: number;
  readonly train: number;
  readonly test: number;
  /** The share of right answers on test examples. */
  readonly accuracy: number;
}

/** One kernel's float weights, with the values that they are quantized to (none in float). */
export interface KernelWeights {
  readonly weights: Float32Array;
  readonly bins: readonly number[];
}

/** The visible state of a network between two steps of training. */
export interface Look {
  /** The step size of each kernel; none in float. */
  readonly steps: readonly number[];
  readonly weights: KernelWeights;
  /** Of the ten digits, for the picture shown. */
  readonly probabilities: readonly number[];
}

/** The noise on the weights that costs ten points of training accuracy: see `findSigma`. */
export interface Sigma {
  readonly value: number | null;
  readonly ci95: readonly [number, number] | null;
  readonly status: SearchStatus;
}

/** A picture before and after a corruption; the label is null for the visitor's own. */
export interface Distorted {
  readonly clean: Picture;
  readonly corrupted: Picture;
  readonly label: number | null;
}

/** The calls that a worker takes from the page, one after another; it stops at once. */
export interface Tasks {
  /** Starts the first backend that works, or from `backend` on, and keeps the digits; gives the backend's name. */
  start(backend: string | null, digits: Uint8Array): Promise<string>;
  /** Makes a network ready, beside the one in use; gives the names of its kernels. */
  open(bits: Bits, origin: Origin): Promise<readonly string[]>;
  /** Puts the network made ready in the place of the one in use, or drops it. */
  adopt(bits: Bits, keep: boolean): Promise<void>;
  /** Trains up to a step; the losses are those of so many training and test examples. */
  train(bits: Bits, until: number, examples: number): Promise<LossPoint>;
  look(bits: Bits, kernel: number, picture: Picture): Promise<Look>;
  sigma(bits: Bits): Promise<Sigma>;
  /** The losses along one row of the landscape of `size` rows. */
  row(bits: Bits, index: number, size: number): Promise<readonly number[]>;
  /** Distorts a picture, or the test example of that number. */
  distort(picture: Picture | number, name: CorruptionName, severity: number): Promise<Distorted>;
  /** Ends the search under way early. */
  stop(): Promise<void>;
}

export interface Call {
  readonly id: number;
  readonly task: keyof Tasks;
  readonly args: readonly unknown[];
}

/** A message of a worker to the page: how a call ended, or that its GPU device was lost. */
export type Reply =
  | { readonly type: 'done'; readonly id: number; readonly result: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
  | { readonly type: 'lost' };
