import type * as tf from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import { type FakeQuantOptions, fakeQuant } from '../fake-quant';
import type { WeightSettings } from './settings';

/**
 * What a quantized layer has where its base class keeps a kernel. It looks like the variable that it stands for, but
 * `read()` gives the fake-quantized kernel; that variable, the latent kernel, stays among the layer's weights and is
 * what training updates.
 */
export class KernelView {
  /** Makes `read()` give the latent kernel as it is. */
  bypass = false;
  private cached: tf.Tensor | null = null;
  readonly options: FakeQuantOptions;

  constructor(
    readonly latentWeight: LayerVariable,
    readonly stepWeight: LayerVariable,
    readonly axis: number | null,
    readonly settings: WeightSettings,
  ) {
    const { bits, narrow, boundary, gradientScale, stepLearningRate } = settings;
    this.options = { bits, signed: true, narrow, axis, boundary, gradientScale, stepLearningRate };
  }

  /** Between `hold` and `release`, `read()` gives one and the same tensor: a recurrent layer reads at every time step. */
  hold(): void {
    this.cached = this.bypass ? null : this.dequantized();
  }

  release(): void {
    this.cached = null;
  }

  read(): tf.Tensor {
    return this.bypass ? this.latent : (this.cached ?? this.dequantized());
  }

  /** ŵ of the values now stored, a new tensor. */
  dequantized(): tf.Tensor {
    return fakeQuant(this.latent, this.step, this.options);
  }

  get latent(): tf.Variable {
    return this.latentWeight.read() as tf.Variable;
  }

  get step(): tf.Variable {
    return this.stepWeight.read() as tf.Variable;
  }

  get shape(): number[] {
    return this.latentWeight.shape as number[];
  }

  get dtype(): tf.DataType {
    return this.latentWeight.dtype;
  }

  get id(): number {
    return this.latentWeight.id;
  }

  get name(): string {
    return this.latentWeight.name;
  }

  get originalName(): string {
    return this.latentWeight.originalName;
  }

  get trainable(): boolean {
    return this.latentWeight.trainable;
  }

  write(value: tf.Tensor): this {
    this.latentWeight.write(value);
    return this;
  }
}
