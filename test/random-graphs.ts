import * as tf from '@tensorflow/tfjs-core';
import {
  input,
  type LayersModel,
  type LayerVariable,
  layers,
  model,
  type RNN,
  type Sequential,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';

/** A model drawn at random, with what its parts are for the message of a test that fails. */
export interface RandomGraph {
  readonly model: LayersModel;
  /** The shape of its one input, with a batch. */
  readonly inputShape: readonly number[];
  readonly parts: readonly string[];
}

type Node = SymbolicTensor;
/** The shapes that a part takes and gives: `[features]`, `[time, features]` or `[height, width, channels]`, without the batch. */
type Shape = readonly number[];

/** Whole numbers below a bound, from a seed: Marsaglia's xorshift32 (2003, "Xorshift RNGs"). */
function generator(seed: number) {
  let state = (seed + 1) * 2654435769;
  return (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

// The orthogonal start needs tfjs-core's chained methods, which only the union package registers.
const start = { recurrentInitializer: 'glorotUniform' } as const;

/** A layer with two weights of one name, in layers that it makes and that have no name of their own in a model. */
class SameNames extends layers.Layer {
  static readonly className = 'SameNames';
  readonly parts: layers.Layer[];

  constructor(readonly settings: { readonly units: number; readonly name?: string; readonly trainable?: boolean }) {
    super(settings as never);
    this.parts = [0, 1].map(() => layers.dense({ units: settings.units }));
  }

  override build(shape: number[]): void {
    this.parts[0]!.build(shape);
    this.parts[1]!.build([shape[0]!, this.settings.units]);
    super.build(shape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    return tf.tidy(() => this.parts.reduce((h, part) => part.call(h, {}) as tf.Tensor, x));
  }

  override computeOutputShape(shape: number[]): number[] {
    return [...shape.slice(0, -1), this.settings.units];
  }

  override get trainableWeights(): LayerVariable[] {
    return (this.parts ?? []).flatMap((part) => part.trainableWeights);
  }

  override get nonTrainableWeights(): LayerVariable[] {
    return (this.parts ?? []).flatMap((part) => part.nonTrainableWeights);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), units: this.settings.units };
  }
}
tf.serialization.registerClass(SameNames as never);

/** A model that is being put together: how deep it lies, and the names that its layers were given. */
interface Place {
  readonly depth: number;
  readonly names: Set<string>;
}

/** The model of a seed: the same graph each time, with other names of layers. */
export function randomGraph(seed: number): RandomGraph {
  const pick = generator(seed);
  const chance = (percent: number) => pick(100) < percent;
  const oneOf = <T>(list: readonly T[]): T => list[pick(list.length)]!;
  const parts: string[] = [];
  const note = <T>(part: string, made: T): T => {
    parts.push(part);
    return made;
  };
  // What may be called once more, inside or outside of the model that it was made for.
  const callable: { readonly layer: layers.Layer; readonly shape: Shape }[] = [];

  /** Within a nested model a layer may have a name that a layer of another one has too. */
  const named = ({ depth, names }: Place): { name?: string } => {
    const name = `fc${pick(2)}`;
    if (depth === 0 || names.has(name) || !chance(40)) return {};
    names.add(name);
    return { name };
  };
  const within = ({ depth }: Place): Place => ({ depth: depth + 1, names: new Set() });

  const dense = (place: Place) => {
    const activation = oneOf(['linear', 'linear', 'relu', 'tanh'] as const);
    return note('dense', layers.dense({ units: 2 + pick(3), activation, useBias: chance(70), ...named(place) }));
  };
  const norm = () => note('norm', layers.batchNormalization({ scale: chance(80), center: chance(80) }));
  const relu = () => note('relu', layers.reLU());
  const sameNames = () => note('same names', new SameNames({ units: 2 + pick(2) }));
  const recurrent = (returnSequences: boolean): RNN => {
    const config = { ...start, units: 2 + pick(2), returnSequences };
    return oneOf([() => layers.lstm(config), () => layers.gru(config), () => layers.simpleRNN(config)])() as RNN;
  };
  const both = (returnSequences: boolean, mergeMode: 'concat' | 'sum') =>
    note('bidirectional', layers.bidirectional({ layer: recurrent(returnSequences), mergeMode }));
  const stacked = () => {
    const cell = () => {
      const config = { ...start, units: 2 + pick(2) };
      return oneOf([() => layers.lstmCell(config), () => layers.gruCell(config)])();
    };
    return note('cells', layers.rnn({ cell: [cell(), cell()] as never, returnSequences: chance(50) }));
  };
  const image = { kernelSize: 3, padding: 'same' } as const;
  const convolution = (place: Place) =>
    note('convolution', layers.conv2d({ ...image, filters: 2 + pick(2), useBias: chance(70), ...named(place) }));

  /** A layer to distribute over time, now and then one that the graph calls too. */
  const distributed = (features: number): layers.Layer => {
    const called = callable.filter(({ layer, shape }) => layer.getClassName() === 'Dense' && shape.at(-1) === features);
    return called.length > 0 && chance(50) ? note('wrapped too', oneOf(called).layer) : layers.dense({ units: 3 });
  };

  const layerFor = (shape: Shape, place: Place): layers.Layer => {
    const kinds: Readonly<Record<number, readonly (() => layers.Layer)[]>> = {
      1: [() => dense(place), () => dense(place), norm, norm, relu, sameNames, () => layers.dropout({ rate: 0.5 })],
      2: [
        () => dense(place),
        norm,
        sameNames,
        stacked,
        () => note('recurrent', recurrent(true)),
        () => both(true, 'sum'),
        () => both(chance(50), 'concat'),
        () => note('distributed', layers.timeDistributed({ layer: distributed(shape[1]!) })),
        () => note('distributed model', layers.timeDistributed({ layer: nested([shape[1]!], within(place)) })),
        () => note('convolution', layers.conv1d({ filters: 3, kernelSize: 1 })),
      ],
      3: [
        norm,
        relu,
        () => convolution(place),
        () => convolution(place),
        () => note('depthwise', layers.depthwiseConv2d({ ...image, depthMultiplier: 1 + pick(2) })),
        () => note('separable', layers.separableConv2d({ ...image, filters: 3 })),
        () => note('transposed', layers.conv2dTranspose({ ...image, filters: 2 })),
        () => layers.averagePooling2d({ poolSize: 2, padding: 'same' }),
      ],
    };
    return oneOf(kinds[shape.length]!)();
  };

  const sequence = (shape: Shape, count: number, place: Place): Sequential => {
    const made = note('sequential', sequential());
    // A first layer is a model with an input of its own, or needs one.
    if (place.depth === 0 && chance(30)) made.add(nested(shape, within(place)));
    else made.add(layers.inputLayer({ inputShape: [...shape] }));
    for (let i = 0; i < count; i++) {
      const now = shapeOf(made.outputs[0]!);
      made.add(place.depth === 0 && chance(20) ? nested(now, within(place)) : layerFor(now, place));
    }
    return made;
  };

  const nested = (shape: Shape, place: Place): LayersModel => {
    const count = 1 + pick(3);
    if (chance(50)) return sequence(shape, count, place);
    const x = input({ shape: [...shape] });
    let h = on(layers.activation({ activation: 'tanh' }), x);
    for (let i = 0; i < count; i++) h = grown(h, place);
    return note('functional', model({ inputs: x, outputs: h }));
  };

  /** A node and what follows it: a layer, a branch, something called twice, a nested model. */
  const grown = (node: Node, place: Place): Node => {
    const shape = shapeOf(node);
    const called = callable.filter((each) => `${each.shape}` === `${shape}`);
    const same = () => layers.dense({ units: shape.at(-1)! });
    switch (pick(9)) {
      case 0:
        if (called.length > 0) return note('called again', on(oneOf(called).layer, node));
        break;
      case 1: {
        const twice = same();
        callable.push({ layer: twice, shape });
        return note('called twice', on(twice, on(twice, node)));
      }
      case 2:
        return note('shortcut', on(layers.add(), on(same(), node), node));
      case 3:
        return note('branches', on(layers.concatenate(), on(same(), node), on(norm(), on(same(), node))));
      case 4:
      case 5:
        if (place.depth < 2) {
          const inner = nested(shape, within(place));
          callable.push({ layer: inner, shape });
          return on(inner, node);
        }
    }
    const layer = layerFor(shape, place);
    if (chance(30)) callable.push({ layer, shape });
    return on(layer, node);
  };

  const top: Place = { depth: 0, names: new Set() };
  const shape = oneOf<Shape>([[3], [3], [3, 2], [3, 2], [4, 4, 2]]);
  const count = 2 + pick(4);
  let whole: LayersModel;
  if (chance(30)) {
    const made = sequence(shape, count, top);
    for (const layer of ending(shapeOf(made.outputs[0]!))) made.add(layer);
    whole = made;
  } else {
    const x = input({ shape: [...shape] });
    let h = x;
    for (let i = 0; i < count; i++) h = grown(h, top);
    whole = model({ inputs: x, outputs: ending(shapeOf(h)).reduce((node, layer) => on(layer, node), h) });
  }
  fill(whole);
  for (const weight of new Set(whole.weights)) if (chance(15)) weight.trainable = false;
  for (const layer of whole.layers) if (chance(10)) layer.trainable = false;
  return { model: whole, inputShape: [4, ...shape], parts };
}

const on = (layer: layers.Layer, ...nodes: Node[]): Node => layer.apply(nodes.length === 1 ? nodes[0]! : nodes) as Node;

const ending = (shape: Shape): layers.Layer[] => [
  ...(shape.length > 1 ? [layers.flatten()] : []),
  layers.dense({ units: 2 }),
];

const shapeOf = (node: Node): number[] => node.shape.slice(1) as number[];

/** Weights that are no start, each another: variances between 1/2 and 3/2, the others of mean square 1/4. */
function fill(of: LayersModel): void {
  let count = 0;
  for (const weight of new Set(of.weights)) {
    const shape = weight.shape as number[];
    const size = tf.util.sizeFromShape(shape);
    const wave = Array.from({ length: size }, () => Math.sin(++count * count * 0.37));
    const values = /variance/.test(weight.originalName) ? wave.map((v) => 1 + v / 2) : wave.map((v) => v * 0.7);
    tf.tidy(() => void weight.write(tf.tensor(values, shape)));
  }
}
