import { floatTensor } from '../graph/kernels';
import { type LayerCall, outputOf, type Translation } from '../graph/layer-call';
import { asInModel, axisIn } from '../graph/value';

/**
 * A batch normalization that is not folded: y = x m + a with m = gamma / sqrt(variance + epsilon), a = beta - mean m.
 */
export const batchNormalization: Translation = async (call) => {
  const { graph, config, inputs } = call;
  const [x] = inputs;
  const { values: mean } = (await call.weight('moving_mean'))!;
  const { values: variance, name } = (await call.weight('moving_variance'))!;
  const [gamma, beta] = [(await call.weight('gamma'))?.values, (await call.weight('beta'))?.values];
  const factors = Float32Array.from(
    mean,
    (_, i) => (gamma?.[i] ?? 1) / Math.sqrt(variance[i] + Number(config.epsilon)),
  );
  const shifts = Float32Array.from(mean, (value, i) => (beta?.[i] ?? 0) - value * factors[i]);
  const axis = axisIn(x, config.axis as number);
  const shape = x.shape.map((_, each) => (each === axis ? mean.length : 1)).slice(Math.min(axis, x.shape.length - 1));
  const of = (values: Float32Array, suffix: string) => graph.floats(values, shape, `${name}:${suffix}`);
  const scaled = graph.node('Mul', [x.name, of(factors, 'factors')]);
  return outputOf(call, graph.node('Add', [scaled, of(shifts, 'shifts')]), x.moved);
};

/** A layer normalization over the last axes. */
export const layerNormalization: Translation = async (call) => {
  const { graph, config } = call;
  const x = asInModel(graph, call.inputs[0]);
  const rank = x.shape.length;
  const axes = [config.axis as number | number[]].flat().map((axis) => (axis < 0 ? axis + rank : axis));
  const first = Math.min(...axes);
  if (axes.length !== rank - first)
    call.refuse(`normalizing axes ${axes} of ${rank}, of which ONNX takes the last ones only`);
  const sizes = x.shape.slice(first) as number[];
  const gamma = await call.weight('gamma');
  const beta = await call.weight('beta');
  const ones = () => graph.floats(new Float32Array(sizes.reduce((product, size) => product * size, 1)).fill(1), sizes);
  const inputs = [x.name, gamma ? floatTensor(graph, gamma) : ones(), ...(beta ? [floatTensor(graph, beta)] : [])];
  const attributes = { axis: first, epsilon: { float: config.epsilon as number } };
  return outputOf(call, graph.node('LayerNormalization', inputs, attributes));
};

/** x scale + offset. */
export const rescaling: Translation = ({ graph, config, inputs: [x] }: LayerCall) => {
  const scaled = graph.node('Mul', [x.name, graph.floats([config.scale as number])]);
  return { ...x, name: graph.node('Add', [scaled, graph.floats([config.offset as number])]) };
};
