import { dequantizeModel, exportQuantized, loadQuantized, modelSize, quantizedWeights, quantizeModel } from '@qgen/lsq';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, type LayerVariable, layers, loadLayersModel, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../../test/backends';
import { predictions } from '../model-kinds';
import { asFile, saved } from '../saved';

beforeAll(() => useBackend('cpu'));

const random = { apply: (shape: number[]) => tf.randomNormal(shape, 0, 0.5) } as never;
const first = (inputs: tf.Tensor | tf.Tensor[]) => (Array.isArray(inputs) ? inputs[0]! : inputs) as tf.Tensor2D;
const product = (x: tf.Tensor, weight: { read(): tf.Tensor }) =>
  tf.matMul(x as tf.Tensor2D, weight.read() as tf.Tensor2D);

/** Two products with square kernels; where the layer keeps the kernels is what its subclasses decide. */
abstract class Twice extends layers.Layer {
  override build(shape: number[]): void {
    const size = [shape.at(-1)!, shape.at(-1)!];
    this.keep([0, 1].map((i) => this.addWeight(`w${i}`, size, 'float32', random)) as [LayerVariable, LayerVariable]);
    super.build(shape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => this.kernels().reduce<tf.Tensor>(product, first(inputs)));
  }

  protected abstract keep(weights: [LayerVariable, LayerVariable]): void;
  protected abstract kernels(): readonly { read(): tf.Tensor }[];
}

class InArrays extends Twice {
  static readonly className = 'InArrays';
  declare list: LayerVariable[][];
  keep([a, b]: [LayerVariable, LayerVariable]) {
    this.list = [[a], [b]];
  }
  kernels() {
    return this.list.flat();
  }
}

class InMap extends Twice {
  static readonly className = 'InMap';
  declare map: Map<string, LayerVariable>;
  keep([a, b]: [LayerVariable, LayerVariable]) {
    this.map = new Map([
      ['a', a],
      ['b', b],
    ]);
  }
  kernels() {
    return [...this.map.values()];
  }
}

class Hidden extends Twice {
  static readonly className = 'Hidden';
  #list: LayerVariable[] = [];
  keep(weights: LayerVariable[]) {
    this.#list = weights;
  }
  kernels() {
    return this.#list;
  }
}

class FromGetWeights extends Twice {
  static readonly className = 'FromGetWeights';
  keep() {}
  kernels() {
    return this.getWeights().map((tensor) => ({ read: () => tensor }));
  }
}

class FromTrainableWeights extends Twice {
  static readonly className = 'FromTrainableWeights';
  keep() {}
  kernels() {
    return this.trainableWeights.slice(0, 2);
  }
}

for (const each of [InArrays, InMap, Hidden, FromGetWeights, FromTrainableWeights])
  tf.serialization.registerClass(each as never);

describe.each([InArrays, InMap, Hidden, FromGetWeights, FromTrainableWeights])(
  'kernels that a layer finds where %o does',
  (layerClass) => {
    const xs = [tf.randomNormal([5, 3], 0, 1, 'float32', 1)];
    const net = () =>
      sequential({
        layers: [
          layers.inputLayer({ inputShape: [3] }),
          new (layerClass as unknown as new (c: object) => layers.Layer)({ name: 'twice' }),
        ],
      });

    it('are quantized in the forward pass', async () => {
      const float = net();
      const before = await predictions(float, xs);
      const quantized = await quantizeModel(float, { bits: 2, firstLast: 'same' });
      const weights = quantizedWeights(quantized);
      expect(weights.map(({ name }) => name)).toEqual(['twice/w0', 'twice/w1']);
      // The definition, with the quantized kernels: (x ŵ0) ŵ1.
      const expected = weights.reduce<tf.Tensor>((x, { dequantized }) => product(x, { read: dequantized }), xs[0]!);
      expect(await predictions(quantized, xs)).toEqual([...expected.dataSync()]);
      expect(await predictions(float, xs)).toEqual(before);
      expect(await predictions(await dequantizeModel(quantized), xs)).toEqual([...expected.dataSync()]);
      expect(await predictions(await dequantizeModel(quantized, { weights: 'latent' }), xs)).toEqual(before);
    });

    it('are trained, saved, and exported as quantized', async () => {
      const quantized = await quantizeModel(net(), { bits: 3, firstLast: 'same' });
      quantized.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
      const before = quantizedWeights(quantized).map(({ latent }) => [...latent.dataSync()]);
      await quantized.trainOnBatch(xs[0]!, tf.zeros([5, 3]));
      quantizedWeights(quantized).forEach(
        ({ latent }, i) => void expect([...latent.dataSync()]).not.toEqual(before[i]),
      );
      const expected = await predictions(quantized, xs);
      const resumed = await loadLayersModel(tf.io.fromMemory(asFile(await saved(quantized))));
      expect(await predictions(resumed, xs)).toEqual(expected);
      const shipped = await loadQuantized(tf.io.fromMemory(await exportQuantized(quantized, { format: 'packed' })));
      expect(await predictions(shipped, xs)).toEqual(expected);
    });
  },
);

describe('a kernel that the layer does not read', () => {
  it('with read() is refused at the first call, by its name', async () => {
    class Direct extends layers.Layer {
      static readonly className = 'Direct';
      declare kernel: LayerVariable;
      override build(shape: number[]): void {
        this.kernel = this.addWeight('kernel', [3, 3], 'float32', random);
        super.build(shape);
      }
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
        const { val } = this.kernel as unknown as { readonly val: tf.Tensor2D };
        return tf.tidy(() => tf.matMul(first(inputs), val));
      }
    }
    tf.serialization.registerClass(Direct as never);
    const net = sequential({ layers: [layers.inputLayer({ inputShape: [3] }), new Direct({ name: 'direct' })] });
    const quantized = await quantizeModel(net, { bits: 4 });
    expect(() => quantized.predict(tf.ones([1, 3]))).toThrow(
      "QuantizedLayer: layer direct has been called and has not read its kernel direct/kernel with read(), so that it cannot be quantized; read it so in call(), or leave the layer in float: quantizeModel(model, { overrides: { 'direct': null } })",
    );
    const read = () => quantizedWeights(quantized)[0]!.latent.dataSync();
    expect(read()).toEqual(net.weights[0]!.read().dataSync());
  });
});

describe('static kernelNames of a class', () => {
  class Table extends layers.Layer {
    static readonly className: string = 'Table';
    static readonly kernelNames: readonly string[] = ['gain'];
    declare table: LayerVariable;
    declare gain: LayerVariable;
    override build(shape: number[]): void {
      this.table = this.addWeight('table', [1, 3], 'float32', random);
      this.gain = this.addWeight('gain', [3], 'float32', random);
      super.build(shape);
    }
    override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
      return tf.tidy(() => tf.mul(tf.add(first(inputs), this.table.read()), this.gain.read()));
    }
  }
  tf.serialization.registerClass(Table as never);
  const net = (layer: layers.Layer): LayersModel =>
    sequential({ layers: [layers.dense({ units: 3, inputShape: [3], name: 'fc' }), layer] });

  it('are its kernels, whatever their rank, and nothing else is', async () => {
    const quantized = await quantizeModel(net(new Table({ name: 'table' })), { bits: 4, perChannel: true });
    expect(quantizedWeights(quantized).map(({ name }) => name)).toEqual(['fc/kernel', 'table/gain']);
    expect(modelSize(quantized).layers.map(({ bits }) => bits)).toEqual([8, 8]);
    const xs = [tf.randomNormal([5, 3], 0, 1, 'float32', 1)];
    expect(await predictions(await dequantizeModel(quantized), xs)).toEqual(await predictions(quantized, xs));
  });

  it('that its layer has not are an error', async () => {
    class Misspelt extends Table {
      static override readonly className: string = 'Misspelt';
      static override readonly kernelNames = ['gian'];
    }
    tf.serialization.registerClass(Misspelt as never);
    await expect(quantizeModel(net(new Misspelt({ name: 'table' })), { bits: 4 })).rejects.toThrow(
      "quantizeModel: kernelNames of the class of layer table has 'gian', but the layer trains table, gain",
    );
  });
});

it.each([2, 3, 4, 8])('a kernel of ones, quantized with %i bits, stays a kernel of ones', async (bits) => {
  class Scale extends layers.Layer {
    static readonly className = 'Scale';
    static readonly kernelNames = ['scale'];
    declare scale: LayerVariable;
    override build(shape: number[]): void {
      this.scale = this.addWeight('scale', [1, shape.at(-1)!], 'float32', {
        apply: (size: number[]) => tf.ones(size),
      } as never);
      super.build(shape);
    }
    override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
      return tf.tidy(() => tf.mul(first(inputs), this.scale.read()));
    }
  }
  tf.serialization.registerClass(Scale as never);
  const net = sequential({ layers: [layers.inputLayer({ inputShape: [3] }), new Scale({ name: 'scale' })] });
  for (const perChannel of [false, true]) {
    const quantized = await quantizeModel(net, { bits, perChannel, firstLast: 'same', init: 'lsq' });
    const values = quantizedWeights(quantized)[0]!.dequantized().dataSync();
    // 2 bits: LSQ's step is 2, so that z = 1 / 2 would round to 0. At 3 bits z is 0.87, at 4 bits 1.32.
    for (const value of values) expect(Math.abs(value - 1)).toBeLessThan(0.25);
  }
});
