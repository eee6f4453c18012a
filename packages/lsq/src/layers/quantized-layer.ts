import { filterAxes } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { LayerVariable, layers } from '@tensorflow/tfjs-layers';
import { stepShape } from '../fake-quant';
import { ActivationQuantizer } from './activation-quantizer';
import { KernelView } from './kernel-view';
import { type Kernel, kernelsOf } from './kernels-of';
import { QUANTIZED, type QuantizedProtocol } from './protocol';
import type { ActivationSettings, WeightSettings } from './settings';

/** What a quantized layer is saved with beside the configuration of its base class. */
export interface LayerQuantization {
  readonly weights: WeightSettings | null;
  readonly activations: (ActivationSettings & { readonly initialized: boolean }) | null;
  readonly stepsFrozen: boolean;
  readonly kernelsFrozen: boolean;
}

/** A layer of any class whose kernels, and whose input if asked for, are fake-quantized in every call. */
export interface QuantizedLayer extends layers.Layer {
  quantization: LayerQuantization;
  readonly baseClassName: string;
  readonly views: readonly KernelView[];
  readonly activation_: ActivationQuantizer | null;
  /** The weights of the base class, in its order, whatever is frozen. */
  readonly baseWeights: LayerVariable[];
  readonly stepWeights: LayerVariable[];
  readonly [QUANTIZED]: QuantizedProtocol;
}

export function isQuantizedLayer(layer: unknown): layer is QuantizedLayer {
  return typeof layer === 'object' && layer !== null && 'baseWeights' in layer;
}

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
    layer.quantization = config.quantization as unknown as LayerQuantization;
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

/** The class registered under a name, with its `fromConfig`. */
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
    activation_: ActivationQuantizer | null = null;
    private asBase = false;

    override build(inputShape: Parameters<layers.Layer['build']>[0]): void {
      super.build(inputShape);
      const { weights, activations } = this.quantization;
      if (weights) this.views = kernelsOf(this).map((kernel) => viewOf(kernel, weights, this.name, Base.className));
      if (activations) this.activation_ = new ActivationQuantizer(activations, activations.initialized, 'input_');
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
      const quantizer = this.activation_;
      if (!quantizer) return inputs;
      if (!Array.isArray(inputs)) return quantizer.apply(inputs, training);
      return inputs.map((input, index) => (index === 0 ? quantizer.apply(input, training) : input));
    }

    get stepWeights(): LayerVariable[] {
      return [...(this.views ?? []).map((view) => view.stepWeight), ...(this.activation_?.weights ?? [])];
    }

    get baseWeights(): LayerVariable[] {
      return [...super.trainableWeights, ...super.nonTrainableWeights];
    }

    // Filtered here because compile() sets `trainable` on every weight of a Sequential again.
    override get trainableWeights(): LayerVariable[] {
      const frozen = this.frozenWeights();
      const steps = this.trainable ? this.stepWeights : [];
      // A kernel that a model around it has stopped stops its step too.
      for (const view of this.views ?? []) if (!view.trainable) frozen.add(view.stepWeight);
      return [...super.trainableWeights, ...steps].filter((weight) => !frozen.has(weight));
    }

    override get nonTrainableWeights(): LayerVariable[] {
      const trained = new Set(this.trainableWeights);
      return [...this.baseWeights, ...this.stepWeights].filter((weight) => !trained.has(weight));
    }

    private frozenWeights(): Set<LayerVariable> {
      const { stepsFrozen = false, kernelsFrozen = false } = this.quantization ?? {};
      return new Set([
        ...(stepsFrozen ? this.stepWeights : []),
        ...(kernelsFrozen ? this.views.map((view) => view.latentWeight) : []),
      ]);
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
        const { activations } = this.quantization;
        const initialized = this.activation_?.initialized ?? activations?.initialized ?? false;
        const quantization = { ...this.quantization, activations: activations && { ...activations, initialized } };
        const { config } = quantizedConfig(Base.className, super.getConfig(), quantization);
        return config as unknown as tf.serialization.ConfigDict;
      } finally {
        this.asBase = false;
      }
    }

    get [QUANTIZED](): QuantizedProtocol {
      return { kernels: this.views, steps: this.stepWeights.map((weight) => weight.read() as tf.Variable) };
    }
  };
  subclasses.set(Base, subclass);
  return subclass;
}

/** A view of a kernel. The step is 1 until quantizeModel or a loader writes it. */
function viewOf({ holder, variable }: Kernel, settings: WeightSettings, scope: string, className: string) {
  const shape = variable.shape as number[];
  const holderClass = isQuantizedLayer(holder) ? className : holder.getClassName();
  const axis = settings.perChannel ? filterAxes(variable.originalName, holderClass, shape.length)[0]! : null;
  const one = tf.ones(stepShape(shape, axis));
  const latentName = variable.originalName;
  const relative = latentName.startsWith(`${scope}/`) ? latentName.slice(scope.length + 1) : latentName;
  const step = new LayerVariable(one, 'float32', `${relative}_step`);
  one.dispose();
  // A kernel built in an inner name scope is not named relative to the scope that is open now.
  (step as { originalName: string }).originalName = `${latentName}_step`;
  return new KernelView(variable, step, axis, settings);
}
