import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Draws } from '../initializers/draws';
import { AttentionMix } from '../layers/attention-mix';
import { AttentionWeights } from '../layers/attention-weights';
import { SplitHeads } from '../layers/split-heads';
import type { WindowGeometry } from '../layers/window-geometry';
import { dense } from './dense';
import { through } from './through';

/** The standard deviation that kernels of transformers and position biases start with. */
export const TRANSFORMER_DEVIATION = 0.02;

export interface AttentionConfig {
  readonly name: string;
  readonly heads: number;
  /** Of windows: [batch, windows, n, channels] instead of [batch, n, channels]. */
  readonly geometry?: WindowGeometry;
  readonly draw: Draws;
}

/**
 * Multi-head self-attention (Vaswani et al. 2017, section 3.2.2): [..., n, channels] → [..., n, channels]. Queries, keys,
 * values and projection are four dense layers, `NAME.q`, `.k`, `.v` and `.proj`; the weights are a layer called `NAME`.
 */
export function attention(x: SymbolicTensor, { name, heads, geometry, draw }: AttentionConfig): SymbolicTensor {
  const units = x.shape.at(-1)!;
  const linear = (input: SymbolicTensor, part: string) =>
    dense(input, { name: `${name}.${part}`, units, initializer: draw.normal(TRANSFORMER_DEVIATION) });
  const [q, k, v] = ['q', 'k', 'v'].map((part) =>
    through(new SplitHeads({ name: `${name}.${part}_heads`, heads }), linear(x, part)),
  ) as [SymbolicTensor, SymbolicTensor, SymbolicTensor];
  const initializer = geometry && draw.normal(TRANSFORMER_DEVIATION);
  const weights = through(new AttentionWeights({ name, geometry, initializer }), [q, k]);
  return linear(through(new AttentionMix({ name: `${name}_mix` }), [weights, v]), 'proj');
}
