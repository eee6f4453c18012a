import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Draws, Initializer } from '../initializers/draws';
import { activation } from './activation';
import { TRANSFORMER_DEVIATION } from './attention';
import { dense } from './dense';

export interface MlpConfig {
  /** Of the widening layer, the activation and the narrowing layer. */
  readonly names: readonly [string, string, string];
  readonly draw: Draws;
  /** The initializer of the biases. Default zeros. */
  readonly bias?: () => Initializer;
}

/** Two dense layers with GELU between them, the first to four times the channels. */
export function mlp(x: SymbolicTensor, { names: [widen, act, narrow], draw, bias }: MlpConfig): SymbolicTensor {
  const units = x.shape.at(-1)!;
  const linear = (input: SymbolicTensor, name: string, outputs: number) =>
    dense(input, { name, units: outputs, initializer: draw.normal(TRANSFORMER_DEVIATION), bias: bias?.() });
  return linear(activation(linear(x, widen, 4 * units), act, 'gelu'), narrow, units);
}
