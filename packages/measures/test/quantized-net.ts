import { fakeQuantBackward, fakeQuantForward } from '@qgen/kernels';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

/**
 * A second implementation of the protocol that `@qgen/lsq` implements, so that these tests don't depend on it: each
 * kernel of `model` gets a step size and is quantized to signed `bits`, w_hat = s round(clip(w / s, -2^(b-1), 2^(b-1) - 1)).
 */
export function quantizeConvNet(
  model: tfl.LayersModel,
  bits: number,
  stepOf: (layer: string) => number,
): tfl.LayersModel {
  const clone = tfl.model({ inputs: model.inputs, outputs: model.outputs, name: 'twin' });
  const rebuilt = rebuild(clone);
  rebuilt.setWeights(model.getWeights());
  for (const layer of rebuilt.layers) if (layer.weights.length > 0) quantizeLayer(layer, bits, stepOf(layer.name));
  return rebuilt;
}

function rebuild(model: tfl.LayersModel): tfl.LayersModel {
  const input = tfl.input({ shape: model.inputs[0]!.shape.slice(1) });
  let x: tfl.SymbolicTensor = input;
  for (const layer of model.layers.slice(1)) {
    const Class = layer.constructor as unknown as { new (config: object): tfl.layers.Layer };
    x = new Class(layer.getConfig()).apply(x) as tfl.SymbolicTensor;
  }
  return tfl.model({ inputs: input, outputs: x });
}

function quantizeLayer(layer: tfl.layers.Layer, bits: number, stepSize: number): void {
  const weight = layer.weights.find((each) => each.originalName.endsWith('kernel'))!;
  const latent = weight.read() as tf.Variable;
  const step = tf.variable(tf.scalar(stepSize));
  const range = { qn: -(2 ** (bits - 1)), qp: 2 ** (bits - 1) - 1, axis: null };
  const quantize = tf.customGrad((...inputs) => {
    const [w, s, save] = inputs as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([w, s]);
    return {
      value: fakeQuantForward(w, s, range),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const { dx, dStep } = fakeQuantBackward(dy, saved[0]!, saved[1]!, range);
        return [dx, dStep];
      },
    };
  });
  const kernel = {
    latent,
    step,
    bypass: false,
    dequantized: () => fakeQuantForward(latent, step, range),
  };
  const read = weight.read.bind(weight);
  const call = layer.call.bind(layer);
  layer.call = (inputs, kwargs) => {
    weight.read = () => (kernel.bypass ? latent : quantize(latent, step));
    try {
      return call(inputs, kwargs);
    } finally {
      weight.read = read;
    }
  };
  Object.assign(layer, { [Symbol.for('@qgen/quantized')]: { kernels: [kernel], steps: [step] } });
}
