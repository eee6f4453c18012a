import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import type { OpenModel } from '../subject/open-model';
import { flatLayers, isLayersModel, type ModelLike } from '../subject/parameters';

/**
 * The path norm `Σ_paths Π w²` (Neyshabur et al. 2015; Jiang et al. 2019, eq. 44): the sum of the logits of the net with
 * every parameter squared, on one input of ones. A softmax or sigmoid at the end is left out. `subject` must have all
 * parameters in scope; it is left recentred.
 */
export async function pathNorm(model: ModelLike, subject: OpenModel, inputShape: readonly number[]): Promise<number> {
  const activated = subject.outputKind === 'probabilities';
  const restore = isLayersModel(model) && activated ? dropActivation(model) : () => {};
  let sum: tf.Tensor;
  try {
    sum = tf.tidy(() => {
      for (const { variable, centre } of subject.parameters) variable.assign(tf.square(centre));
      return tf.sum(subject.rawOutputs(tf.ones([1, ...inputShape])));
    });
  } finally {
    subject.recentre();
    restore();
  }
  return (await sum.data().finally(() => sum.dispose()))[0]!;
}

/** Makes the softmax or sigmoid at the end of a model do nothing until the returned function is called. */
function dropActivation(model: LayersModel): () => void {
  const layer = flatLayers(model).findLast(
    (each) =>
      each.getClassName() === 'Softmax' || /^(softmax|sigmoid|hardSigmoid)$/.test(`${each.getConfig().activation}`),
  );
  if (!layer) return () => {};
  if (layer.getClassName() === 'Softmax') {
    const call = layer.call;
    layer.call = (inputs) => (Array.isArray(inputs) ? inputs[0]! : inputs);
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
