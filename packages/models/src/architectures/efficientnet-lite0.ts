import { requireKnownOptions } from '@qgen/core';
import { input, type LayersModel, layers, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { activation } from '../blocks/activation';
import { convolution, depthwiseConvolution } from '../blocks/convolution';
import { dense } from '../blocks/dense';
import { batchNorm } from '../blocks/normalization';
import { through } from '../blocks/through';
import { type Draws, draws } from '../initializers/draws';
import { MODEL_OPTIONS, type ModelOptions, requireImages } from './model-options';

/** Expansion, kernel, channels, blocks and the stride of the first block of each stage (Tan and Le 2019, table 1). */
const STAGES = [
  [1, 3, 16, 1, 1],
  [6, 3, 24, 2, 2],
  [6, 5, 40, 2, 2],
  [6, 3, 80, 3, 2],
  [6, 5, 112, 3, 1],
  [6, 5, 192, 4, 2],
  [6, 3, 320, 1, 1],
] as const;

/** Of every batch normalization. */
const EPSILON = 1e-3;

/**
 * EfficientNet-Lite0 (Tan and Le 2019, without squeeze-and-excitation and with relu6) with the names of timm's
 * `tf_efficientnet_lite0`: [batch, height, width, channels] to logits. 4,652,008 parameters for 1000 classes.
 *
 * It pads and normalizes as TensorFlow does, with which its weights were made: 'same' padding, epsilon 1e-3. timm's
 * `efficientnet_lite0`, without `tf_`, has the same names and other padding; its weights don't belong here.
 *
 * The weights start as timm's: kernels normal with variance 2 / (k² outputs), depthwise ones 2 / k²; the classifier
 * uniform within ±1/√(classes) and its bias 0. The original weights take images in 0..255 minus 127, divided by 128.
 *
 * @throws RangeError if an option is unknown or doesn't fit
 */
export function efficientNetLite0(options: ModelOptions = {}): LayersModel {
  requireKnownOptions('efficientNetLite0', options, MODEL_OPTIONS);
  const { inputShape = [224, 224, 3], classes = 1000, seed = 0 } = options;
  requireImages('efficientNetLite0', inputShape, classes);
  const draw = draws('efficientNetLite0', seed);

  const images = input({ shape: [...inputShape], name: 'input' });
  let x = normed(convolved(images, 'conv_stem', { filters: 32, kernelSize: 3, stride: 2 }, draw), 'bn1');
  for (const [stage, [expansion, kernelSize, filters, blocks, firstStride]] of STAGES.entries())
    for (let block = 0; block < blocks; block++) {
      const stride = block === 0 ? firstStride : 1;
      x = invertedResidual(x, `blocks.${stage}.${block}`, { expansion, kernelSize, filters, stride }, draw);
    }
  x = normed(convolved(x, 'conv_head', { filters: 1280, kernelSize: 1 }, draw), 'bn2');
  x = through(layers.globalAveragePooling2d({ name: 'global_pool' }), x);
  x = dense(x, { name: 'classifier', units: classes, initializer: draw.uniform(1 / Math.sqrt(classes)) });
  return model({ inputs: images, outputs: x, name: options.name ?? 'efficientNetLite0' });
}

interface BlockConfig {
  readonly expansion: number;
  readonly kernelSize: number;
  readonly filters: number;
  readonly stride: number;
}

function invertedResidual(
  x: SymbolicTensor,
  name: string,
  { expansion, kernelSize, filters, stride }: BlockConfig,
  draw: Draws,
): SymbolicTensor {
  const channels = x.shape.at(-1)!;
  const [widen, narrow] = expansion === 1 ? [null, 'conv_pw'] : ['conv_pw', 'conv_pwl'];
  let norms = 0;
  const norm = () => `${name}.bn${++norms}`;
  let y = x;
  if (widen)
    y = normed(convolved(y, `${name}.${widen}`, { filters: expansion * channels, kernelSize: 1 }, draw), norm());
  const initializer = draw.normal(Math.sqrt(2 / kernelSize ** 2));
  const depthwise = { name: `${name}.conv_dw`, kernelSize, stride, padding: 'tensorflow', initializer } as const;
  y = normed(depthwiseConvolution(y, depthwise), norm());
  y = batchNorm(convolved(y, `${name}.${narrow}`, { filters, kernelSize: 1 }, draw), norm(), EPSILON);
  return stride === 1 && channels === filters ? through(layers.add({ name }), [y, x]) : y;
}

function convolved(
  x: SymbolicTensor,
  name: string,
  config: { readonly filters: number; readonly kernelSize: number; readonly stride?: number },
  draw: Draws,
): SymbolicTensor {
  const initializer = draw.normal(Math.sqrt(2 / (config.kernelSize ** 2 * config.filters)));
  return convolution(x, { ...config, name, padding: 'tensorflow', initializer });
}

const normed = (x: SymbolicTensor, name: string): SymbolicTensor =>
  activation(batchNorm(x, name, EPSILON), `${name}.act`, 'relu6');
