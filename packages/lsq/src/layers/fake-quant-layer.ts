import * as tf from '@tensorflow/tfjs-core';
import { type LayerVariable, layers } from '@tensorflow/tfjs-layers';
import type { GradientScale } from '../gradient-scale';
import type { StepInit } from '../step-size';
import { ActivationQuantizer } from './activation-quantizer';
import { QUANTIZED, type QuantizedProtocol } from './protocol';
import { type ActivationSettings, checkSettings } from './settings';

export interface FakeQuantLayerConfig {
  readonly bits: number;
  /** Default true; false after a ReLU, or half of the codes are never used. */
  readonly signed?: boolean;
  /** Learns an offset too (LSQ+). Default false. */
  readonly offset?: boolean;
  /**
   * A number starts from that step at once; else the first training batch, or `calibrate`, sets it. With `offset` the range
   * of that batch sets both, and 'mse' or a number is an error.
   */
  readonly init?: StepInit;
  readonly boundary?: 'strict' | 'inclusive';
  readonly gradientScale?: GradientScale;
  readonly stepLearningRate?: number;
  readonly name?: string;
  readonly trainable?: boolean;
  readonly inputShape?: readonly (number | null)[];
}

/**
 * A layer that fake-quantizes the activations passing it, with one learned step (and offset) for all of them: `fakeQuant`,
 * or with `offset` `fakeQuantWithOffset`, as a layer. To put between the layers of a model by hand; `quantizeModel` with
 * `activations` quantizes the inputs of layers without it.
 *
 * Until its first training batch, or `calibrate`, it lets everything pass as it is; then LSQ's 2 mean|x| / sqrt(qp) of
 * that batch is its step. Takes float32 of any shape and keeps the shape.
 *
 * @throws RangeError if bits, init, boundary, gradientScale or stepLearningRate don't fit
 */
export class FakeQuant extends layers.Layer {
  static readonly className = 'FakeQuant';
  readonly settings: ActivationSettings;
  quantizer: ActivationQuantizer | null = null;
  stepsFrozen: boolean;
  private readonly initiallySet: boolean;

  constructor(config: FakeQuantLayerConfig) {
    super(config as unknown as ConstructorParameters<typeof layers.Layer>[0]);
    const { bits, signed = true, offset = false, init = 'lsq', boundary = 'strict' } = config;
    const { gradientScale = 'lsq', stepLearningRate = 1 } = config;
    this.settings = { bits, signed, offset, init, boundary, gradientScale, stepLearningRate };
    checkSettings('FakeQuant', this.settings);
    const saved = config as { readonly initialized?: boolean; readonly stepsFrozen?: boolean };
    this.initiallySet = saved.initialized ?? false;
    this.stepsFrozen = saved.stepsFrozen ?? false;
    this.supportsMasking = true;
  }

  override build(inputShape: Parameters<layers.Layer['build']>[0]): void {
    super.build(inputShape);
    this.quantizer = new ActivationQuantizer(this.settings, this.initiallySet, '');
    this._trainableWeights.push(...this.quantizer.weights);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Parameters<layers.Layer['call']>[1]): tf.Tensor {
    return tf.tidy(() => {
      const input = Array.isArray(inputs) ? inputs[0]! : inputs;
      return this.quantizer!.apply(input, kwargs?.training === true);
    });
  }

  // Filtered here because compile() sets `trainable` on every weight of a Sequential again.
  override get trainableWeights(): LayerVariable[] {
    return this.stepsFrozen ? [] : super.trainableWeights;
  }

  override get nonTrainableWeights(): LayerVariable[] {
    return this.stepsFrozen ? [...this._trainableWeights] : super.nonTrainableWeights;
  }

  override getConfig(): tf.serialization.ConfigDict {
    const initialized = this.quantizer?.initialized ?? this.initiallySet;
    const config = { ...this.settings, initialized, stepsFrozen: this.stepsFrozen };
    return { ...super.getConfig(), ...config } as tf.serialization.ConfigDict;
  }

  get [QUANTIZED](): QuantizedProtocol {
    return { kernels: [], steps: (this.quantizer?.weights ?? []).map((weight) => weight.read() as tf.Variable) };
  }
}
tf.serialization.registerClass(FakeQuant as unknown as tf.serialization.SerializableConstructor<FakeQuant>);
