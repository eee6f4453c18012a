import {
  requireCounts,
  requireKnownOptions,
  requireNotNegative,
  requirePositive,
  type UnlabelledData,
} from '@qgen/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Callback, LayersModel } from '@tensorflow/tfjs-layers';
import { disposeModel } from '../model/dispose-model';
import { quantizeModel } from '../model/quantize-model';
import type { LayerOptions } from '../model/quantize-options';
import { requireModel } from '../model/require-model';
import { anneal } from './anneal';
import { attentionHeads } from './attention-heads';
import { type DistillationModel, distill } from './distill';
import { type OscillationRegularizer, oscillationRegularizer } from './oscillation-regularizer';
import { annealed } from './schedules';
import { softLabels } from './soft-labels';

export interface VvtqOptions {
  /** Width of the codes of the kernels; the first and the last layer have 8. */
  readonly bits: number;
  /** How many epochs `fit` will be given: the length of the regularizer's schedule. */
  readonly epochs: number;
  /** Quantizes the inputs of the layers too, see `quantizeModel`. Default null, which does not. */
  readonly activations?: LayerOptions['activations'];
  /** Which kernels have their steps by groups. Default the heads that `attentionHeads` finds. */
  readonly groups?: LayerOptions['groups'];
  /** Default the float model. */
  readonly teacher?: LayersModel;
  /** The regularizer's weight at the end. Default 0.01. */
  readonly weight?: number;
}

/** A quantized model with what trains it. */
export interface Vvtq {
  /** The quantized model, to evaluate, save and export. */
  readonly model: LayersModel;
  /** The model to compile, without a loss, and to fit with [labels, teacherLabels]; its layers are those of `model`. */
  readonly training: DistillationModel;
  /** For `fit`: the schedule of the regularizer. */
  readonly callbacks: Callback[];
  readonly regularizer: OscillationRegularizer;
  /** The teacher's probabilities for examples, [n, classes]: the second targets of `fit`. */
  teacherLabels(xs: UnlabelledData): Promise<tf.Tensor2D>;
}

/**
 * VVTQ (Huang et al., "Quantization Variation: A New Perspective on Training Transformers with Low-Bit Precision", 2024)
 * out of its parts, for the transformers of `@qgen/models`: one step per head (`attentionHeads`), the gradient scale 'l1',
 * 8 bits for the first and the last layer, `oscillationRegularizer` 'bins' whose weight rises along a cosine from a
 * quarter of the epochs on, and `distill` from the float model alone.
 *
 *     const { training, callbacks, teacherLabels, model } = await vvtq(float, { bits: 2, epochs: 30 });
 *     training.compile({ optimizer: tf.train.adam(5e-4) });
 *     await training.fit(xs, [labels, await teacherLabels(xs)], { epochs: 30, callbacks });
 *
 * It follows the released code where that and the paper weigh the terms of the regularizer differently; the steps per head
 * are the paper's, as the code has one for all heads (docs/recipes.md).
 *
 * @throws RangeError if the teacher has other classes than the model, a number doesn't fit or an option is unknown, and as
 * `quantizeModel` and `distill`
 * @throws TypeError if `model` or `teacher` is no LayersModel of one output for each of several classes
 */
export async function vvtq(model: LayersModel, options: VvtqOptions): Promise<Vvtq> {
  const name = 'vvtq';
  requireModel(name, model);
  requireKnownOptions(name, options, ['bits', 'epochs', 'activations', 'groups', 'teacher', 'weight']);
  const {
    bits,
    epochs,
    activations = null,
    groups = attentionHeads(model),
    teacher = model,
    weight = 0.01,
  } = options ?? {};
  requireCounts(name, { epochs });
  requirePositive(name, { epochs });
  requireNotNegative(name, { weight });
  requireModel(name, teacher, 'teacher');
  const [own, its] = [model, teacher].map(({ outputs }) => outputs[0].shape.at(-1));
  if (own !== its) throw new RangeError(`${name}: the model has ${own} classes and the teacher ${its}`);
  const quantized = await quantizeModel(model, { bits, groups, activations, gradientScale: 'l1' });
  try {
    const training = distill(quantized, { targets: 'probabilities' });
    const regularizer = oscillationRegularizer(training, { kind: 'bins', weight: 0 });
    const schedule = annealed({ from: 0, to: weight, total: epochs, start: epochs / 4 });
    return {
      model: quantized,
      training,
      callbacks: [anneal(regularizer, 'weight', schedule, 'epoch')],
      regularizer,
      teacherLabels: (xs) => softLabels(teacher, xs),
    };
  } catch (error) {
    disposeModel(quantized);
    throw error;
  }
}
