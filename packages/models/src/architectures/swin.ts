import { requireCounts, requireKnownOptions } from '@qgen/core';
import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { attention, TRANSFORMER_DEVIATION } from '../blocks/attention';
import { dense } from '../blocks/dense';
import { dropPath, dropPathRate, requireRate } from '../blocks/drop-path';
import { mlp } from '../blocks/mlp';
import { layerNorm } from '../blocks/normalization';
import { patches } from '../blocks/patches';
import { through } from '../blocks/through';
import { type Draws, draws } from '../initializers/draws';
import { PatchMerging } from '../layers/patch-merging';
import { WindowTokens } from '../layers/window-tokens';
import { MODEL_OPTIONS, type ModelOptions, requireImages } from './model-options';

export interface SwinOptions extends ModelOptions<readonly [number, number, number]> {
  /** The side of a patch in pixels. Default 4. */
  readonly patch?: number;
  /** Channels of a token in the first stage; each following one has twice as many. Default 96. */
  readonly embed?: number;
  /** Blocks of each stage. Default [2, 2, 6, 2]. */
  readonly depths?: readonly number[];
  /** Heads of each stage; they divide its channels. Default [3, 6, 12, 24]. */
  readonly heads?: readonly number[];
  /** The side of a window in tokens. Default 7. */
  readonly window?: number;
  /** How often the branches of the last block are left out in training; earlier ones less often. Default 0. */
  readonly dropPath?: number;
}

const EPSILON = 1e-5;

/**
 * Swin-T (Liu et al. 2021) with the names and weights of torchvision's `swin_t`: [batch, height, width, channels] to
 * logits. 28,288,354 parameters for 1000 classes. depths [2, 2, 18, 2] is Swin-S; with embed 128 and heads
 * [4, 8, 16, 32] it is Swin-B.
 *
 * Any size of at least one patch: as in torchvision, pixels that fill no patch are left out, and maps are padded with
 * zeros to whole windows, after the normalization. timm's Swin has the same numbers under other names where no map is
 * smaller than a window; `loadPyTorchWeights` takes those too. The one kernel `attn.qkv` is three layers here, `attn.q`,
 * `.k` and `.v`, which have bits of their own to `quantizeModel`.
 *
 * The weights start as torchvision's: dense kernels and tables of relative position biases normal with standard deviation
 * 0.02, biases of the MLPs 1e-6, other biases 0. torchvision's checkpoints take images in 0..1 minus [.485, .456, .406],
 * divided by [.229, .224, .225].
 *
 * @throws RangeError if an option is unknown or doesn't fit
 */
export function swin(options: SwinOptions = {}): LayersModel {
  const own = ['patch', 'embed', 'depths', 'heads', 'window', 'dropPath'];
  requireKnownOptions('swin', options, [...MODEL_OPTIONS, ...own]);
  const { inputShape = [224, 224, 3], classes = 1000, patch = 4, embed = 96, window = 7, seed = 0 } = options;
  const { depths = [2, 2, 6, 2], heads = [3, 6, 12, 24], dropPath: greatestRate = 0 } = options;
  requireImages('swin', inputShape, classes, { fixed: true });
  requireCounts('swin', { patch, embed, window });
  requireRate('swin', 'dropPath', greatestRate);
  requireStages(depths, heads, embed);
  const [height, width] = inputShape;
  if (height < patch || width < patch)
    throw new RangeError(
      `swin: images must be at least one patch of ${patch}×${patch}, got ${height}×${width}; take larger images or a smaller patch`,
    );
  const draw = draws('swin', seed);

  const images = input({ shape: [...inputShape], name: 'input' });
  let x: SymbolicTensor = layerNorm(patches(images, 'features.0.0', patch, embed, draw), 'features.0.2', EPSILON);
  const blocks = depths.reduce((sum, depth) => sum + depth);
  let at = 0;
  for (const [stage, depth] of depths.entries()) {
    if (stage > 0) x = merging(x, `features.${2 * stage}`, draw);
    for (let block = 0; block < depth; block++) {
      const name = `features.${2 * stage + 1}.${block}`;
      const shift = block % 2 === 0 ? 0 : Math.floor(window / 2);
      const rate = dropPathRate(greatestRate, at++, blocks);
      x = swinBlock(x, name, { heads: heads[stage], window, shift, rate }, draw);
    }
  }
  x = layerNorm(x, 'norm', EPSILON);
  x = through(layers.globalAveragePooling2d({ name: 'avgpool' }), x);
  x = dense(x, { name: 'head', units: classes, initializer: draw.normal(TRANSFORMER_DEVIATION) });
  return model({ inputs: images, outputs: x, name: options.name ?? 'swin' });
}

function requireStages(depths: readonly number[], heads: readonly number[], embed: number): void {
  for (const [name, counts] of Object.entries({ depths, heads }))
    if (!Array.isArray(counts) || counts.length === 0 || !counts.every((count) => Number.isInteger(count) && count > 0))
      throw new RangeError(`swin: ${name} must be positive integers, one a stage, got ${JSON.stringify(counts)}`);
  if (depths.length !== heads.length)
    throw new RangeError(
      `swin: depths and heads must have as many stages, got ${JSON.stringify(depths)} and ${JSON.stringify(heads)}`,
    );
  for (const [stage, count] of heads.entries()) {
    const channels = embed * 2 ** stage;
    if (channels % count !== 0)
      throw new RangeError(
        `swin: heads must divide the channels of a stage, got ${count} heads and ${channels} channels`,
      );
  }
}

interface BlockConfig {
  readonly heads: number;
  readonly window: number;
  readonly shift: number;
  readonly rate: number;
}

function swinBlock(x: SymbolicTensor, name: string, { rate, ...config }: BlockConfig, draw: Draws): SymbolicTensor {
  const attended = windowedAttention(layerNorm(x, `${name}.norm1`, EPSILON), `${name}.attn`, config, draw);
  const dropped = dropPath(attended, `${name}.stochastic_depth_attn`, rate);
  const y = through(layers.add({ name: `${name}.add` }), [x, dropped]);
  const names = [`${name}.mlp.0`, `${name}.mlp.1`, `${name}.mlp.3`] as const;
  const mixed = mlp(layerNorm(y, `${name}.norm2`, EPSILON), { names, draw, bias: () => draw.normal(1e-6) });
  return through(layers.add({ name }), [y, dropPath(mixed, `${name}.stochastic_depth_mlp`, rate)]);
}

/** Attention within windows of the map, which is padded to whole ones; padded tokens take part in it. */
function windowedAttention(
  x: SymbolicTensor,
  name: string,
  { heads, window, shift }: Omit<BlockConfig, 'rate'>,
  draw: Draws,
): SymbolicTensor {
  const [, height, width] = x.shape as [null, number, number, number];
  const whole = (size: number) => Math.ceil(size / window) * window;
  const geometry = { height: whole(height), width: whole(width), window, shift };
  const border: Border = [
    [0, geometry.height - height],
    [0, geometry.width - width],
  ];
  const isWhole = geometry.height === height && geometry.width === width;
  const padded = isWhole ? x : through(layers.zeroPadding2d({ name: `${name}_pad`, padding: border }), x);
  const windows = through(new WindowTokens({ name: `${name}_windows`, geometry }), padded);
  const attended = attention(windows, { name, heads, geometry, draw });
  const map = through(new WindowTokens({ name: `${name}_map`, geometry, reverse: true }), attended);
  return isWhole ? map : through(layers.cropping2D({ name: `${name}_crop`, cropping: border }), map);
}

/** Top and bottom, left and right. */
type Border = [[number, number], [number, number]];

/** Half the height and width, twice the channels; an odd map is padded with zeros at the bottom and the right. */
function merging(x: SymbolicTensor, name: string, draw: Draws): SymbolicTensor {
  const [, height, width, channels] = x.shape as [null, number, number, number];
  const border: Border = [
    [0, height % 2],
    [0, width % 2],
  ];
  const isEven = height % 2 === 0 && width % 2 === 0;
  const padded = isEven ? x : through(layers.zeroPadding2d({ name: `${name}_pad`, padding: border }), x);
  const merged = through(new PatchMerging({ name: `${name}_tokens` }), padded);
  const initializer = draw.normal(TRANSFORMER_DEVIATION);
  const normed = layerNorm(merged, `${name}.norm`, EPSILON);
  return dense(normed, { name: `${name}.reduction`, units: 2 * channels, initializer, bias: false });
}
