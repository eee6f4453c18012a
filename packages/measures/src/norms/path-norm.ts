import { heldLayers, layerClass } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { layers } from '@tensorflow/tfjs-layers';
import type { OpenModel } from '../subject/open-model';
import { flatLayers, isLayersModel, type ModelLike } from '../subject/parameters';
import { quantizedLayer } from '../subject/quantized';

/** The path norm, or why there is none. */
export type PathNorm = { readonly value: number } | { readonly missing: string };

/**
 * The path norm `Σ_paths Π w²` (Neyshabur et al. 2015; Jiang et al. 2019, eq. 44): the sum of the logits of the net with
 * every parameter squared, on one input of ones. A softmax or sigmoid at the end of a LayersModel is left out, and so are
 * the quantizers of kernels, for their grids are those of w and not of w². There is none where the end cannot be left out,
 * and where activations are quantized. `subject` must have all parameters in scope; it is left recentred.
 */
export async function pathNorm(model: ModelLike, subject: OpenModel, inputShape: readonly number[]): Promise<PathNorm> {
  const all = isLayersModel(model) ? flatLayers(model) : [];
  const quantized = all.flatMap((layer) => quantizedLayer(layer) ?? []);
  if (quantized.some(({ kernels, steps }) => steps.length > kernels.length))
    return { missing: 'quantizers of activations clip and round what the squared weights make' };
  const activated = subject.outputKind === 'probabilities';
  const last = activated ? lastSquashing(all) : undefined;
  if (activated && !last)
    return { missing: 'the softmax or sigmoid at the end of the model cannot be left out; give a model of logits' };
  const restore = last ? dropActivation(last) : () => {};
  const quantizing = quantized.flatMap(({ kernels }) => kernels).filter(({ bypass }) => !bypass);
  let sum: tf.Tensor;
  try {
    for (const kernel of quantizing) kernel.bypass = true;
    sum = tf.tidy(() => {
      for (const { variable, centre } of subject.parameters) variable.assign(tf.square(centre));
      return tf.sum(subject.rawOutputs(tf.ones([1, ...inputShape])));
    });
  } finally {
    for (const kernel of quantizing) kernel.bypass = false;
    subject.recentre();
    restore();
  }
  return { value: (await sum.data().finally(() => sum.dispose()))[0] };
}

/** The last layer that is a softmax or sigmoid or ends in one; what wrappers hold is looked at too. */
function lastSquashing(all: readonly layers.Layer[]): layers.Layer | undefined {
  return all.flatMap(heldLayers).findLast((layer) => {
    const { className, config } = layerClass(layer);
    return className === 'Softmax' || /^(softmax|sigmoid|hardSigmoid)$/.test(`${config.activation}`);
  });
}

/** Makes the softmax or sigmoid of a layer do nothing until the returned function is called. */
function dropActivation(layer: layers.Layer): () => void {
  if (layer.getClassName() === 'Softmax') {
    const call = layer.call;
    layer.call = (inputs) => (Array.isArray(inputs) ? inputs[0] : inputs);
    return () => {
      layer.call = call;
    };
  }
  const activated = layer as layers.Layer & { activation: { apply(x: tf.Tensor): tf.Tensor } };
  const { activation } = activated;
  activated.activation = Object.assign(Object.create(activation), { apply: (x: tf.Tensor) => tf.clone(x) });
  return () => {
    activated.activation = activation;
  };
}
