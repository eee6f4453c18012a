import type { Initializer, StoredModel, StoredTensor } from '../file/model-proto';
import type { WrittenGraph } from '../graph/graph';

/** Whether the quantized kernels of a model are in a file, bit for bit. */
export interface KernelComparison {
  /** The number of kernels that are quantized. */
  readonly total: number;
  /** The names of those whose codes are not those of the model. */
  readonly differentCodes: readonly string[];
  /** The names of those whose steps or zero points are not those of the model. */
  readonly differentSteps: readonly string[];
}

/** Compares what a file holds of the quantized kernels with what it should hold. */
export function compareKernels(expected: WrittenGraph, stored: StoredModel): KernelComparison {
  const wanted = new Map(expected.initializers.map((tensor) => [tensor.name, tensor]));
  const dequantized = expected.nodes.filter(({ op, inputs }) => op === 'DequantizeLinear' && wanted.has(inputs[0]));
  const pairs = dequantized.map(({ inputs }) => {
    const found = stored.nodes.find((node) => node.op === 'DequantizeLinear' && node.inputs[0] === inputs[0]);
    const [codes, ...steps] = inputs.map((input, place) =>
      same(wanted.get(input)!, stored.initializers.get(found?.inputs[place] ?? '')),
    );
    // Steps along several axes are multiplied with, not in the DequantizeLinear.
    const scale = wanted.get(`${inputs[0]}:scale`);
    const own = !scale || same(scale, stored.initializers.get(scale.name));
    return { name: inputs[0], codes, steps: own && steps.every(Boolean) };
  });
  return {
    total: pairs.length,
    differentCodes: pairs.flatMap(({ name, codes }) => (codes ? [] : name)),
    differentSteps: pairs.flatMap(({ name, steps }) => (steps ? [] : name)),
  };
}

/**
 * Throws a RangeError unless a file has the inputs and outputs of a model, and a tensor for every weight of it.
 */
export function requireSameModel(caller: string, expected: WrittenGraph, stored: StoredModel): void {
  const refuse = (what: string): never => {
    throw new RangeError(`${caller}: bytes hold another model, ${what}; give it what exportOnnx made of this one`);
  };
  for (const role of ['inputs', 'outputs'] as const) {
    const names = expected[role].map(({ name }) => name);
    if (names.join() !== stored[role].join())
      refuse(`with the ${role} ${stored[role].join(', ')} for ${names.join(', ')}`);
  }
  for (const { name, shape } of expected.initializers.filter(isWeight)) {
    const found = stored.initializers.get(name);
    if (!found) refuse(`without the weight ${name}`);
    else if (found.shape.join() !== shape.join())
      refuse(`with the weight ${name} of shape [${found.shape}] for [${shape}]`);
  }
}

/** Weights are named after their layers, other constants are numbered. */
const isWeight = ({ name }: Initializer): boolean => name.includes('/');

function same(wanted: Initializer, found: StoredTensor | undefined): boolean {
  return (
    found !== undefined &&
    found.type === wanted.type.number &&
    found.shape.join() === wanted.shape.join() &&
    found.bytes.length === wanted.bytes.length &&
    found.bytes.every((byte, i) => byte === wanted.bytes[i])
  );
}
