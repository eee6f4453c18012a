import * as tf from '@tensorflow/tfjs-core';
import { type LayerVariable, layers } from '@tensorflow/tfjs-layers';
import type { ActivationQuantizer } from './activation-quantizer';
import type { KernelView } from './kernel-view';
import { type LayerQuantizers, layerQuantizers, stepWeights } from './layer-quantizers';
import { QUANTIZED, type QuantizedProtocol } from './protocol';
import type { LayerQuantization, QuantizedLayer } from './quantized-layer';
import { restored } from './settings';

type LayerClass = (new (
  // biome-ignore lint/suspicious/noExplicitAny: TypeScript asks the constructor of a mixin for exactly this
  ...args: any[]
) => layers.Layer) & { readonly className: string };

type FromConfig = (
  layerClass: unknown,
  config: tf.serialization.ConfigDict,
  customObjects?: tf.serialization.ConfigDict,
  fastWeightInit?: boolean,
) => layers.Layer;

/** The name under which quantized layers are saved. */
export const CLASS_NAME = 'QuantizedLayer';

/**
 * The class under which quantized layers are saved and loaded: `{ layer: { className, config }, quantization }`. Its
 * `fromConfig` makes a layer of a subclass of the class named there, so that everything a layer can do (state, masks,
 * several inputs, what a cell is called with) stays what it was.
 */
class QuantizedLayerLoader extends layers.Layer {
  static readonly className = CLASS_NAME;

  static override fromConfig<T extends tf.serialization.Serializable>(
    _class: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
    customObjects: tf.serialization.ConfigDict = {},
    fastWeightInit = false,
  ): T {
    const { className, config: baseConfig } = config.layer as {
      className: string;
      config: tf.serialization.ConfigDict;
    };
    const [baseClass, baseFromConfig] = registeredClass(CLASS_NAME, className);
    const layer = baseFromConfig(
      quantizedClass(baseClass),
      baseConfig,
      customObjects,
      fastWeightInit,
    ) as QuantizedLayer;
    const { weights, activations, ...frozen } = config.quantization as unknown as LayerQuantization;
    layer.quantization = {
      weights: weights && restored(weights),
      activations: activations && restored(activations),
      ...frozen,
    };
    return layer as unknown as T;
  }
}
tf.serialization.registerClass(QuantizedLayerLoader);

/** The configuration of a quantized layer for that of a plain one. */
export function quantizedConfig(
  className: string,
  config: Readonly<Record<string, unknown>>,
  quantization: LayerQuantization,
) {
  return { className: CLASS_NAME, config: { name: config.name, layer: { className, config }, quantization } };
}

/** The class registered under a name, with its `fromConfig`; without one a TypeError that begins with `caller`. */
export function registeredClass(caller: string, className: string): [LayerClass, FromConfig] {
  const entry = tf.serialization.SerializationMap.getMap().classNameMap[className];
  if (!entry)
    throw new TypeError(
      `${caller}: the class ${className} is not registered; call tf.serialization.registerClass(${className}) before quantizing or loading`,
    );
  return entry as unknown as [LayerClass, FromConfig];
}

const subclasses = new WeakMap<LayerClass, LayerClass>();

function quantizedClass(Base: LayerClass): LayerClass {
  const known = subclasses.get(Base);
  if (known) return known;
  const subclass = class extends Base implements QuantizedLayer {
    static override readonly className = CLASS_NAME;
    declare quantization: LayerQuantization;
    readonly baseClassName = Base.className;
    views: KernelView[] = [];
    inputQuantizer: ActivationQuantizer | null = null;
    private asBase = false;
    // Hidden from the base class, which may have fields of these names.
    #base: LayerVariable[] | null = null;
    #quantizers: LayerQuantizers | null = null;

    override build(inputShape: Parameters<layers.Layer['build']>[0]): void {
      super.build(inputShape);
      const base = [...super.trainableWeights, ...super.nonTrainableWeights];
      // Whatever freezes a layer, or a model around it, sets the flags of the list of its trainable weights.
      const stopped = () => !this.trainable || !this._trainableWeights.some((weight) => weight.trainable);
      const quantizers = layerQuantizers(this, base, stopped);
      this._trainableWeights.push(...quantizers.learnedSteps);
      this.views = quantizers.views;
      this.inputQuantizer = quantizers.inputQuantizer;
      this.#base = base;
      this.#quantizers = quantizers;
    }

    override call(
      inputs: tf.Tensor | tf.Tensor[],
      kwargs: Parameters<layers.Layer['call']>[1],
    ): tf.Tensor | tf.Tensor[] {
      return tf.tidy(() => {
        const quantized = this.quantizeInput(inputs, kwargs?.training === true);
        try {
          for (const view of this.views) view.hold();
          const result = super.call(quantized, kwargs);
          for (const view of this.views) view.requireRead(this.name);
          return result;
        } finally {
          for (const view of this.views) view.release();
        }
      });
    }

    /** Of several inputs the first: the others are states, which feed back into the layer. */
    private quantizeInput(inputs: tf.Tensor | tf.Tensor[], training: boolean): tf.Tensor | tf.Tensor[] {
      const quantizer = this.inputQuantizer;
      if (!quantizer) return inputs;
      if (!Array.isArray(inputs)) return quantizer.apply(inputs, training);
      return inputs.map((input, index) => (index === 0 ? quantizer.apply(input, training) : input));
    }

    get stepWeights(): LayerVariable[] {
      return stepWeights(this.views, this.inputQuantizer);
    }

    get baseWeights(): LayerVariable[] {
      return this.#base ?? [...super.trainableWeights, ...super.nonTrainableWeights];
    }

    override get trainableWeights(): LayerVariable[] {
      return this.#quantizers?.trainableWeights() ?? super.trainableWeights;
    }

    override get nonTrainableWeights(): LayerVariable[] {
      if (!this.#quantizers) return super.nonTrainableWeights;
      const trained = new Set(this.trainableWeights);
      return this.#quantizers.weights.filter((weight) => !trained.has(weight));
    }

    /** In an order that freezing leaves as it is, so that `setWeights` takes what `getWeights` of a frozen twin gives. */
    override get weights(): LayerVariable[] {
      return this.#quantizers ? [...this.#quantizers.weights] : super.weights;
    }

    protected override disposeWeights(): number {
      for (const { learnedStep } of this.views) learnedStep.dispose();
      this.inputQuantizer?.dispose();
      return super.disposeWeights();
    }

    // Bidirectional and TimeDistributed pass these on to what they wrap, which knows of no steps.
    override getWeights(trainableOnly = false): tf.Tensor[] {
      const weights = trainableOnly ? this.trainableWeights : this.weights;
      // Nor does the base class, which may read its weights so in a call.
      const hidden = new Set(this.views.some(({ held }) => held) ? this.stepWeights : []);
      return weights.filter((weight) => !hidden.has(weight)).map((weight) => weight.read());
    }

    override setWeights(weights: tf.Tensor[]): void {
      layers.Layer.prototype.setWeights.call(this, weights);
    }

    override getClassName(): string {
      return this.asBase ? Base.className : CLASS_NAME;
    }

    override getConfig(): tf.serialization.ConfigDict {
      this.asBase = true;
      try {
        const { config } = quantizedConfig(Base.className, super.getConfig(), this.quantization);
        return config as unknown as tf.serialization.ConfigDict;
      } finally {
        this.asBase = false;
      }
    }

    get [QUANTIZED](): QuantizedProtocol {
      return {
        kernels: this.views,
        steps: (this.#quantizers?.learnedSteps ?? []).map((weight) => weight.read() as tf.Variable),
      };
    }
  };
  subclasses.set(Base, subclass);
  return subclass;
}
