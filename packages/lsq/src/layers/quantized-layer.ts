import { filterAxes } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { type LayerVariable, layers } from '@tensorflow/tfjs-layers';
import { stepShape } from '../quantizer/fake-quant';
import { ActivationQuantizer } from './activation-quantizer';
import { KernelView } from './kernel-view';
import { type Kernel, kernelsOf } from './kernels-of';
import { LearnedStep } from './learned-step';
import { QUANTIZED, type QuantizedProtocol } from './protocol';
import { type ActivationSettings, restored, type WeightSettings } from './settings';
import { stepView } from './step-view';
import { type Governed, governTrainability } from './trainability';

/** The part of a quantized layer's configuration that its base class does not have. */
export interface LayerQuantization {
  readonly weights: WeightSettings | null;
  readonly activations: ActivationSettings | null;
  readonly stepsFrozen: boolean;
  readonly kernelsFrozen: boolean;
}

/** A layer of any class whose kernels, and whose input if asked for, are fake-quantized in every call. */
export interface QuantizedLayer extends layers.Layer {
  quantization: LayerQuantization;
  readonly baseClassName: string;
  readonly views: readonly KernelView[];
  readonly inputQuantizer: ActivationQuantizer | null;
  /** The weights of the base class, in its order, whatever is frozen. */
  readonly baseWeights: LayerVariable[];
  /** The weights that quantizing added, for kernels and then for activations. */
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
    /** All weights, those of the base class that it does not train behind what is learned. */
    #weights: readonly LayerVariable[] = [];
    #governed: readonly Governed[] = [];

    override build(inputShape: Parameters<layers.Layer['build']>[0]): void {
      super.build(inputShape);
      const base = [...super.trainableWeights, ...super.nonTrainableWeights];
      const { weights, activations } = this.quantization;
      if (weights) this.views = kernelsOf(this).map((kernel) => viewOf(kernel, weights, this.name, Base.className));
      if (activations) this.inputQuantizer = new ActivationQuantizer(activations, 'input_', this.name);
      // Whatever freezes a layer, or a model around it, sets the flags of this list.
      this._trainableWeights.push(...this.#learnedSteps);
      const kernels = new Set(this.views.map(({ latentWeight }) => latentWeight));
      this.#governed = [
        ...base.map((weight) =>
          governTrainability(weight, () => !this.#stopped && !(kernels.has(weight) && this.quantization.kernelsFrozen)),
        ),
        ...this.views.map(({ latentWeight, learnedStep }) =>
          governTrainability(learnedStep.learned, () => this.#stepsLearn && latentWeight.trainable),
        ),
        ...(this.inputQuantizer?.learned ?? []).map((weight) => governTrainability(weight, () => this.#stepsLearn)),
      ];
      this.#base = base;
      const trained = base.filter(({ trainable }) => trainable);
      this.#weights = [...new Set([...trained, ...this.#learnedSteps, ...base, ...this.stepWeights])];
    }

    /** Whether the layer, or a model around it, has been made not trainable: that sets the flags of the list above. */
    get #stopped(): boolean {
      return !this.trainable || !this._trainableWeights.some((weight) => weight.trainable);
    }

    get #stepsLearn(): boolean {
      return !this.#stopped && !this.quantization.stepsFrozen;
    }

    get #learnedSteps(): LayerVariable[] {
      return [...this.views.map(({ learnedStep }) => learnedStep.learned), ...(this.inputQuantizer?.learned ?? [])];
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
      return [...this.views.flatMap(({ learnedStep }) => learnedStep.weights), ...(this.inputQuantizer?.weights ?? [])];
    }

    get baseWeights(): LayerVariable[] {
      return this.#base ?? [...super.trainableWeights, ...super.nonTrainableWeights];
    }

    override get trainableWeights(): LayerVariable[] {
      if (!this.#base) return super.trainableWeights;
      return this.#governed.flatMap(({ weight, variable }) => (variable.trainable ? weight : []));
    }

    override get nonTrainableWeights(): LayerVariable[] {
      if (!this.#base) return super.nonTrainableWeights;
      const trained = new Set(this.trainableWeights);
      return this.#weights.filter((weight) => !trained.has(weight));
    }

    /** In an order that freezing leaves as it is, so that `setWeights` takes what `getWeights` of a frozen twin gives. */
    override get weights(): LayerVariable[] {
      return this.#base ? [...this.#weights] : super.weights;
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
      return { kernels: this.views, steps: this.#learnedSteps.map((weight) => weight.read() as tf.Variable) };
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
  const view = stepView(shape, axis, settings.groups ?? null);
  const latentName = variable.originalName;
  const relative = latentName.startsWith(`${scope}/`) ? latentName.slice(scope.length + 1) : latentName;
  const one = tf.ones(stepShape(view.shape, view.axis));
  const { stepScale, stepLearningRateMultiplier } = settings;
  const step = new LearnedStep(one, stepScale, stepLearningRateMultiplier, (role) => ({
    name: `${relative}_${role}`,
    // A kernel built in an inner name scope is not named relative to the scope that is open now.
    originalName: `${latentName}_${role}`,
  }));
  one.dispose();
  return new KernelView(variable, step, view, settings);
}
