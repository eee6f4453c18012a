import * as tf from '@tensorflow/tfjs-core';
import {
  type LayersModel,
  type LayerVariable,
  layers,
  input as makeInput,
  model,
  type RNN,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';

/** A small model of every kind that quantizeModel has to cope with, and how many kernels are to be found in it. */
export interface ModelKind {
  readonly kind: string;
  readonly kernels: number;
  readonly build: () => LayersModel;
  /** Shapes of the inputs with the batch. */
  readonly inputs: readonly (readonly number[])[];
  /** Inputs are indices below this number. */
  readonly indices?: number;
}

// tfjs-layers' orthogonal start needs tfjs-core's chained methods, which only the union package registers.
const start = { recurrentInitializer: 'glorotUniform' } as const;

type Node = SymbolicTensor;
const input = (shape: number[]): Node => makeInput({ shape });
const on = (layer: layers.Layer, ...nodes: Node[]): Node => layer.apply(nodes.length === 1 ? nodes[0]! : nodes) as Node;

/** A layer of someone else, with two kernels and a scale. */
class TwoKernels extends layers.Layer {
  static readonly className = 'TwoKernels';
  declare a: LayerVariable;
  declare b: LayerVariable;
  declare scale: LayerVariable;
  readonly units: number;

  constructor(config: { units: number; name?: string }) {
    super(config as never);
    this.units = config.units;
  }

  override build(inputShape: number[]): void {
    const random = { apply: (shape: number[]) => tf.randomNormal(shape, 0, 0.5) } as never;
    this.a = this.addWeight('first', [inputShape.at(-1)!, this.units], 'float32', random);
    this.b = this.addWeight('second', [this.units, this.units], 'float32', random);
    this.scale = this.addWeight('scale', [this.units], 'float32', {
      apply: (shape: number[]) => tf.ones(shape),
    } as never);
    super.build(inputShape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = (Array.isArray(inputs) ? inputs[0]! : inputs) as tf.Tensor2D;
      const hidden = tf.matMul(x, this.a.read() as tf.Tensor2D);
      return tf.mul(tf.matMul(tf.relu(hidden) as tf.Tensor2D, this.b.read() as tf.Tensor2D), this.scale.read());
    });
  }

  override computeOutputShape(shape: number[]): number[] {
    return [...shape.slice(0, -1), this.units];
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), units: this.units };
  }
}
tf.serialization.registerClass(TwoKernels as never);

export const modelKinds: readonly ModelKind[] = [
  {
    kind: 'sequential, convolutions of every sort',
    kernels: 6,
    inputs: [[4, 9, 9, 2]],
    build: () =>
      sequential({
        layers: [
          layers.conv2d({ filters: 3, kernelSize: 3, activation: 'relu', inputShape: [9, 9, 2] }),
          layers.batchNormalization(),
          layers.depthwiseConv2d({ kernelSize: 3 }),
          layers.separableConv2d({ filters: 4, kernelSize: 3, activation: 'relu' }),
          layers.conv2dTranspose({ filters: 2, kernelSize: 2 }),
          layers.flatten(),
          layers.dense({ units: 3 }),
        ],
      }),
  },
  {
    kind: 'functional with two inputs, a branch, a shared layer and two outputs',
    kernels: 4,
    inputs: [
      [4, 5],
      [4, 5],
    ],
    build: () => {
      const [a, b] = [input([5]), input([5])];
      const shared = layers.dense({ units: 6, activation: 'relu' });
      const [ya, yb] = [on(shared, a), on(shared, b)];
      const joined = on(layers.concatenate(), ya, yb);
      const skip = on(layers.add(), on(layers.dense({ units: 6 }), joined), ya);
      return model({
        inputs: [a, b],
        outputs: [on(layers.dense({ units: 2 }), skip), on(layers.dense({ units: 3 }), skip)],
      });
    },
  },
  {
    kind: 'a model in a model in a sequential',
    kernels: 4,
    inputs: [[4, 5]],
    build: () => {
      const innermost = sequential({ layers: [layers.dense({ units: 4, activation: 'relu', inputShape: [6] })] });
      const x = input([5]);
      const inner = model({ inputs: x, outputs: on(innermost, on(layers.dense({ units: 6, activation: 'relu' }), x)) });
      const y = input([5]);
      const twice = on(layers.add(), on(inner, y), on(layers.dense({ units: 4 }), y));
      return model({ inputs: y, outputs: on(layers.dense({ units: 2 }), twice) });
    },
  },
  {
    kind: 'embedding and LSTM with masking',
    kernels: 4,
    inputs: [[4, 6]],
    indices: 10,
    build: () =>
      sequential({
        layers: [
          layers.embedding({ inputDim: 10, outputDim: 5, maskZero: true, inputShape: [6] }),
          layers.lstm({ ...start, units: 4 }),
          layers.dense({ units: 2 }),
        ],
      }),
  },
  {
    kind: 'encoder and decoder that pass state',
    kernels: 5,
    inputs: [
      [4, 3, 5],
      [4, 2, 5],
    ],
    build: () => {
      const [source, target] = [input([3, 5]), input([2, 5])];
      const encoder = layers.lstm({ ...start, units: 4, returnState: true }).apply(source) as Node[];
      const decoder = layers.lstm({ ...start, units: 4, returnSequences: true });
      const decoded = decoder.apply(target, { initialState: encoder.slice(1) }) as Node;
      return model({ inputs: [source, target], outputs: on(layers.dense({ units: 2 }), decoded) });
    },
  },
  {
    kind: 'stateful GRU',
    kernels: 3,
    inputs: [[4, 3, 5]],
    build: () =>
      sequential({
        layers: [
          layers.gru({ ...start, units: 4, stateful: true, batchInputShape: [4, 3, 5] }),
          layers.dense({ units: 2 }),
        ],
      }),
  },
  {
    kind: 'Bidirectional and TimeDistributed',
    kernels: 6,
    inputs: [[4, 3, 5]],
    build: () =>
      sequential({
        layers: [
          layers.bidirectional({
            layer: layers.simpleRNN({ ...start, units: 3, returnSequences: true }) as RNN,
            mergeMode: 'concat',
            inputShape: [3, 5],
          }),
          layers.timeDistributed({ layer: layers.dense({ units: 4 }) }),
          layers.flatten(),
          layers.dense({ units: 2 }),
        ],
      }),
  },
  {
    kind: 'stacked recurrent cells',
    kernels: 5,
    inputs: [[4, 3, 5]],
    build: () =>
      sequential({
        layers: [
          layers.rnn({
            cell: [layers.gruCell({ ...start, units: 3 }), layers.simpleRNNCell({ ...start, units: 4 })] as never,
            inputShape: [3, 5],
          }),
          layers.dense({ units: 2 }),
        ],
      }),
  },
  {
    kind: 'a custom layer with two kernels',
    kernels: 3,
    inputs: [[4, 5]],
    build: () => {
      const x = input([5]);
      const hidden = on(new TwoKernels({ units: 4, name: 'two' }), x);
      return model({ inputs: x, outputs: on(layers.dense({ units: 2 }), hidden) });
    },
  },
  {
    kind: 'one dimension, PReLU and normalizations that stay in float',
    kernels: 2,
    inputs: [[4, 7, 3]],
    build: () =>
      sequential({
        layers: [
          layers.conv1d({ filters: 4, kernelSize: 3, inputShape: [7, 3] }),
          layers.prelu({}),
          layers.layerNormalization({}),
          layers.globalAveragePooling1d(),
          layers.dense({ units: 2 }),
        ],
      }),
  },
];

/** Inputs for a model of this kind; the same for the same seed. */
export function inputsOf({ inputs, indices }: ModelKind, seed = 1): tf.Tensor[] {
  return inputs.map((shape, i) =>
    indices === undefined
      ? tf.randomNormal([...shape], 0, 1, 'float32', seed + i)
      : tf.floor(tf.randomUniform([...shape], 0, indices, 'float32', seed + i)),
  );
}

/** The predictions of the model, as numbers, with recurrent state reset first. */
export async function predictions(of: LayersModel, xs: readonly tf.Tensor[]): Promise<number[]> {
  of.resetStates();
  const outputs = tf.tidy(() => {
    const result = of.predict(xs.length === 1 ? xs[0]! : [...xs], { batchSize: xs[0]!.shape[0] });
    return Array.isArray(result) ? result : [result];
  });
  const values = await Promise.all(outputs.map((output) => output.data()));
  tf.dispose(outputs);
  return values.flatMap((part) => [...part]);
}

/** Zero targets of the right shapes, moved a little from what the model predicts. */
export function targetsOf(of: LayersModel, xs: readonly tf.Tensor[]): tf.Tensor[] {
  of.resetStates();
  return tf.tidy(() => {
    const result = of.predict(xs.length === 1 ? xs[0]! : [...xs], { batchSize: xs[0]!.shape[0] });
    return (Array.isArray(result) ? result : [result]).map((output) => tf.add(tf.mul(output, 0.5), 0.3));
  });
}
