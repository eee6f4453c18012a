import { requireBooleans } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { type LayerVariable, layers } from '@tensorflow/tfjs-layers';
import type { GradientScale } from '../quantizer/gradient-scale';
import { checkOptions } from '../quantizer/grid';
import { DEFAULT_STEP_SCALE, type StepScale } from '../quantizer/step-scale';
import { defaultInit, type StepInit } from '../quantizer/step-size';
import { ActivationQuantizer } from './activation-quantizer';
import { QUANTIZED, type QuantizedProtocol } from './protocol';
import { type ActivationSettings, checkActivationSettings, restored } from './settings';
import { type Governed, governTrainability } from './trainability';

export interface FakeQuantLayerConfig {
  readonly bits: number;
  /** Default true; false after a ReLU, or half of the codes are never used. */
  readonly signed?: boolean;
  /** Learns an offset too (LSQ+). Default false. */
  readonly offset?: boolean;
  /**
   * A number starts from that step at once; else the first training batch, or `calibrate`, sets it. Default 'mse' from 6
   * bits up and with an offset, else 'lsq'. With `offset` 'lsq' and 'lsq+' both start from the range of the data, and a
   * number is an error.
   */
  readonly init?: StepInit;
  /** As in `fakeQuant`. Default 'strict'. */
  readonly boundary?: 'strict' | 'inclusive';
  /**
   * The axis of what passes whose slices have a step each, negative from the back: -3 for the heads of an attention. Its
   * length must be fixed. null, the default, gives all one step. Not with `offset`.
   */
  readonly axis?: number | null;
  /** As in `fakeQuant`. Default 'lsq'. */
  readonly gradientScale?: GradientScale;
  /** In what units the step is trained: see `StepScale`. Default 'relative'. */
  readonly stepScale?: StepScale;
  /** As in `LayerOptions`. Default 1. */
  readonly stepLearningRateMultiplier?: number;
  readonly name?: string;
  readonly trainable?: boolean;
  readonly inputShape?: readonly (number | null)[];
}

const KNOWN = [
  ...['bits', 'signed', 'offset', 'init', 'boundary', 'gradientScale', 'stepScale', 'stepLearningRateMultiplier'],
  ...['name', 'trainable', 'inputShape', 'batchInputShape', 'batchSize', 'dtype', 'inputDType', 'weights'],
  'stepsFrozen',
  'axis',
];

/**
 * A layer that fake-quantizes the activations passing it, with one learned step (and offset) for all of them, or with `axis` one for each slice: `fakeQuant`,
 * or with `offset` `fakeQuantWithOffset`, as a layer. To put between the layers of a model by hand; `quantizeModel` with
 * `activations` quantizes the inputs of layers without it.
 *
 * Until its first training batch, or `calibrate`, it lets everything pass as it is, and a prediction says so with a
 * warning; then the initial step of that batch is its step. Takes float32 of any shape and keeps the shape.
 *
 * @throws RangeError if bits, init, boundary, gradientScale, stepScale or stepLearningRateMultiplier don't fit, or an
 * option is unknown
 * @throws TypeError if the configuration is missing, or `signed` or `offset` no boolean
 */
export class FakeQuant extends layers.Layer {
  static readonly className = 'FakeQuant';
  readonly settings: ActivationSettings;
  quantizer: ActivationQuantizer | null = null;
  stepsFrozen: boolean;
  private governed: readonly Governed[] = [];

  constructor(config: FakeQuantLayerConfig) {
    checkOptions('FakeQuant', config, KNOWN);
    super(config as unknown as ConstructorParameters<typeof layers.Layer>[0]);
    const { bits, signed = true, offset = false, axis = null, boundary = 'strict', gradientScale = 'lsq' } = config;
    const { init = defaultInit(bits, offset), stepScale = DEFAULT_STEP_SCALE, stepLearningRateMultiplier = 1 } = config;
    const training = { boundary, gradientScale, stepScale, stepLearningRateMultiplier };
    this.settings = { bits, signed, offset, init, ...(axis !== null && { axis }), ...training };
    checkActivationSettings('FakeQuant', this.settings);
    const { stepsFrozen = false } = config as { readonly stepsFrozen?: boolean };
    requireBooleans('FakeQuant', { stepsFrozen });
    this.stepsFrozen = stepsFrozen;
    this.supportsMasking = true;
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    layerClass: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    // The loader of tfjs-layers adds this to what it hands on.
    const { customObjects: _, ...own } = config;
    return new layerClass(restored(own as unknown as ActivationSettings));
  }

  override build(inputShape: Parameters<layers.Layer['build']>[0]): void {
    super.build(inputShape);
    this.quantizer = new ActivationQuantizer(this.settings, '', this.name, onlyShape(inputShape));
    this._trainableWeights.push(...this.quantizer.learned);
    this.governed = this.quantizer.learned.map((weight) =>
      governTrainability(weight, () => this.trainable && !this.stepsFrozen),
    );
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Parameters<layers.Layer['call']>[1]): tf.Tensor {
    return tf.tidy(() => {
      const input = Array.isArray(inputs) ? inputs[0] : inputs;
      return this.quantizer!.apply(input, kwargs?.training === true);
    });
  }

  override get trainableWeights(): LayerVariable[] {
    return this.governed.flatMap(({ weight, variable }) => (variable.trainable ? weight : []));
  }

  override get nonTrainableWeights(): LayerVariable[] {
    const trained = new Set(this.trainableWeights);
    return this.weights.filter((weight) => !trained.has(weight));
  }

  /** In an order that freezing leaves as it is, so that `setWeights` takes what `getWeights` of a frozen twin gives. */
  override get weights(): LayerVariable[] {
    return this.quantizer ? [...new Set([...this.quantizer.learned, ...this.quantizer.weights])] : [];
  }

  override getConfig(): tf.serialization.ConfigDict {
    const config = { ...this.settings, stepsFrozen: this.stepsFrozen };
    return { ...super.getConfig(), ...config } as tf.serialization.ConfigDict;
  }

  protected override disposeWeights(): number {
    this.quantizer?.dispose();
    return super.disposeWeights();
  }

  get [QUANTIZED](): QuantizedProtocol {
    return { kernels: [], steps: (this.quantizer?.learned ?? []).map((weight) => weight.read() as tf.Variable) };
  }
}

function onlyShape(shape: Parameters<layers.Layer['build']>[0]): readonly (number | null)[] {
  return (Array.isArray(shape[0]) ? shape[0] : shape) as (number | null)[];
}

tf.serialization.registerClass(FakeQuant as unknown as tf.serialization.SerializableConstructor<FakeQuant>);
