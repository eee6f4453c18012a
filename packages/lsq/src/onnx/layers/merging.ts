import { type LayerCall, outputOf, type Translation } from '../graph/layer-call';
import { asInModel, axisIn, reshaped, type Value } from '../graph/value';

const pairwise =
  (op: 'Add' | 'Mul' | 'Max' | 'Min'): Translation =>
  (call) => {
    const values = alike(call);
    const [first, ...others] = values.map(({ name }) => name) as [string, ...string[]];
    const output = others.reduce((sum, each) => call.graph.node(op, [sum, each]), first);
    return outputOf(call, output, values[0].moved);
  };

export const adding = pairwise('Add');
export const multiplying = pairwise('Mul');
export const maximum = pairwise('Max');
export const minimum = pairwise('Min');

export const averaging: Translation = async (call) => {
  const sum = await adding(call);
  return { ...sum, name: call.graph.node('Mul', [sum.name, call.graph.floats([1 / call.inputs.length])]) };
};

export const concatenating: Translation = (call) => {
  const values = alike(call);
  const names = values.map(({ name }) => name);
  const axis = axisIn(values[0], call.config.axis as number);
  return outputOf(call, call.graph.node('Concat', names, { axis }), values[0].moved);
};

/** The inputs in one order of axes and of one rank; tfjs gives those of lower rank axes of size 1 after the batch. */
function alike({ graph, inputs }: LayerCall): readonly Value[] {
  const rank = Math.max(...inputs.map(({ shape }) => shape.length));
  if (inputs.every(({ moved, shape }) => moved && shape.length === rank)) return inputs;
  return inputs.map((input) => {
    const value = asInModel(graph, input);
    const missing = rank - value.shape.length;
    if (missing === 0) return value;
    const shape = [...new Array(missing).fill(1), ...value.shape.slice(1)];
    return { name: reshaped(graph, value.name, shape), shape: [value.shape[0]!, ...shape], moved: false };
  });
}
