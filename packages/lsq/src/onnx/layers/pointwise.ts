import { activated, normalized } from '../graph/activations';
import { floatTensor } from '../graph/kernels';
import type { Translation } from '../graph/layer-call';
import { asInModel } from '../graph/value';

/** A layer that does nothing in inference. */
export const nothing: Translation = ({ inputs: [x] }) => x;

export const activation: Translation = (call) => activated(call, call.inputs[0]);

export const relu: Translation = ({ graph, config, inputs: [x] }) => {
  const { maxValue } = config as { readonly maxValue?: number | null };
  const name = maxValue == null ? graph.node('Relu', [x.name]) : graph.clip(x.name, 0, maxValue);
  return { ...x, name };
};

export const leakyRelu: Translation = ({ graph, config, inputs: [x] }) => ({
  ...x,
  name: graph.node('LeakyRelu', [x.name], { alpha: { float: config.alpha as number } }),
});

export const elu: Translation = ({ graph, inputs: [x] }) => ({
  ...x,
  name: graph.node('Elu', [x.name], { alpha: { float: 1 } }),
});

export const thresholdedRelu: Translation = ({ graph, config, inputs: [x] }) => ({
  ...x,
  name: graph.node('ThresholdedRelu', [x.name], { alpha: { float: config.theta as number } }),
});

export const prelu: Translation = async (call) => {
  const x = asInModel(call.graph, call.inputs[0]);
  const slopes = floatTensor(call.graph, (await call.weight('alpha'))!);
  return { ...x, name: call.graph.node('PRelu', [x.name, slopes]) };
};

export const softmax: Translation = (call) => {
  const axes = [call.config.axis as number | number[]].flat();
  if (axes.length > 1) call.refuse(`softmax over several axes, ${axes}`);
  return normalized(call, call.inputs[0], 'softmax', axes[0]);
};
