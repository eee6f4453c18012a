import { layers, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Draws, Initializer } from '../initializers/draws';
import { through } from './through';

export interface DenseConfig {
  readonly name: string;
  readonly units: number;
  readonly initializer: Initializer;
  /** False for no bias. Default zeros. */
  readonly bias?: Initializer | false;
}

/** x W + b over the last axis. */
export function dense(x: SymbolicTensor, { name, units, initializer, bias }: DenseConfig): SymbolicTensor {
  const biasInitializer = bias || 'zeros';
  const layer = { name, units, useBias: bias !== false, kernelInitializer: initializer, biasInitializer } as const;
  return through(layers.dense(layer), x);
}

/** PyTorch's own initialization of a linear layer: kernel and bias uniform within ±1/√(inputs). */
export function defaultDense(x: SymbolicTensor, name: string, units: number, draw: Draws): SymbolicTensor {
  const bound = 1 / Math.sqrt(x.shape.at(-1)!);
  return dense(x, { name, units, initializer: draw.uniform(bound), bias: draw.uniform(bound) });
}
