import { requireCounts, requireKnownOptions } from '@qgen/core';
import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { attention, TRANSFORMER_DEVIATION } from '../blocks/attention';
import { dense } from '../blocks/dense';
import { dropPath, dropPathRate, requireRate } from '../blocks/drop-path';
import { mlp } from '../blocks/mlp';
import { layerNorm } from '../blocks/normalization';
import { patches } from '../blocks/patches';
import { through } from '../blocks/through';
import { draws } from '../initializers/draws';
import { ClassToken, FirstToken } from '../layers/class-token';
import { PositionEmbedding } from '../layers/position-embedding';
import { MODEL_OPTIONS, type ModelOptions, requireImages } from './model-options';

export interface DeitOptions extends ModelOptions<readonly [number, number, number]> {
  /** The side of a patch in pixels; height and width of the images are multiples of it. Default 16. */
  readonly patch?: number;
  /** Channels of a token, a multiple of the heads. Default 192. */
  readonly embed?: number;
  /** Blocks. Default 12. */
  readonly depth?: number;
  /** Default 3. */
  readonly heads?: number;
  /** How often the branches of the last block are left out in training; earlier ones less often. Default 0. */
  readonly dropPath?: number;
}

/** PyTorch's layer normalization takes 1e-5 where timm's vision transformers take this. */
const EPSILON = 1e-6;

/**
 * DeiT-Tiny (Touvron et al. 2021; the vision transformer of Dosovitskiy et al. 2021 with 3 heads) with the names and
 * weights of timm's `deit_tiny_patch16_224`: [batch, height, width, channels] to logits. 5,717,416 parameters for 1000
 * classes. embed 384 and heads 6 is DeiT-Small, 768 and 12 DeiT-Base.
 *
 * timm's one kernel `attn.qkv` is three layers here, `attn.q`, `.k` and `.v`, which have bits of their own to
 * `quantizeModel`. The weights start as timm's: dense kernels and the position embedding normal with standard deviation
 * 0.02, biases 0. timm's checkpoints take images in 0..1 minus [.485, .456, .406], divided by [.229, .224, .225].
 *
 * @throws RangeError if an option is unknown or doesn't fit, or the patches don't fill the images
 */
export function deit(options: DeitOptions = {}): LayersModel {
  requireKnownOptions('deit', options, [...MODEL_OPTIONS, 'patch', 'embed', 'depth', 'heads', 'dropPath']);
  const { inputShape = [224, 224, 3], classes = 1000, patch = 16, embed = 192, depth = 12, heads = 3 } = options;
  const { dropPath: greatestRate = 0, seed = 0 } = options;
  requireImages('deit', inputShape, classes, { fixed: true });
  requireCounts('deit', { patch, embed, depth, heads });
  requireRate('deit', 'dropPath', greatestRate);
  const [height, width] = inputShape;
  const whole = (size: number) => Math.ceil(size / patch) * patch;
  if (height % patch !== 0 || width % patch !== 0)
    throw new RangeError(
      `deit: height and width of the images must be multiples of the patch, got images of ${height}×${width} and patches of ${patch}×${patch}; take images of ${whole(height)}×${whole(width)}`,
    );
  if (embed % heads !== 0)
    throw new RangeError(`deit: embed must be a multiple of heads, got embed ${embed} and ${heads} heads`);
  const draw = draws('deit', seed);

  const images = input({ shape: [...inputShape], name: 'input' });
  const tokens = (height / patch) * (width / patch);
  let x: SymbolicTensor = patches(images, 'patch_embed.proj', patch, embed, draw);
  x = through(layers.reshape({ name: 'patch_embed', targetShape: [tokens, embed] }), x);
  x = through(new ClassToken({ name: 'cls_token', initializer: draw.normal(1e-6) }), x);
  x = through(new PositionEmbedding({ name: 'pos_embed', initializer: draw.normal(TRANSFORMER_DEVIATION) }), x);
  for (let block = 0; block < depth; block++) {
    const name = `blocks.${block}`;
    const rate = dropPathRate(greatestRate, block, depth);
    const attended = attention(layerNorm(x, `${name}.norm1`, EPSILON), { name: `${name}.attn`, heads, draw });
    x = through(layers.add({ name: `${name}.add` }), [x, dropPath(attended, `${name}.drop_path1`, rate)]);
    const names = [`${name}.mlp.fc1`, `${name}.mlp.act`, `${name}.mlp.fc2`] as const;
    const mixed = mlp(layerNorm(x, `${name}.norm2`, EPSILON), { names, draw });
    x = through(layers.add({ name }), [x, dropPath(mixed, `${name}.drop_path2`, rate)]);
  }
  x = through(new FirstToken({ name: 'norm_token' }), layerNorm(x, 'norm', EPSILON));
  x = dense(x, { name: 'head', units: classes, initializer: draw.normal(TRANSFORMER_DEVIATION) });
  return model({ inputs: images, outputs: x, name: options.name ?? 'deit' });
}
