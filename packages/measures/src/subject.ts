import {
  type Expected,
  filterAxes,
  foldableBatchNorms,
  foldBatchNorm,
  layerClass,
  leafLayers,
  type OutputKind,
  outputKernel,
  outputKind,
  requireOneOf,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import {
  type FoundParameter,
  flatLayers,
  inScope,
  isLayersModel,
  lastPart,
  type ModelLike,
  modelParameters,
  type Scope,
} from './parameters';
import { quantizedLayer } from './quantized';

/** What of a quantized model is measured. */
export type View = 'float' | 'dequantized' | 'latent';

/** What is perturbed and what makes up w. */
export interface SubjectOptions {
  /** Which parameters; `'weights'` (kernels) unless said. */
  readonly scope?: Scope;
  /**
   * Of a quantized model: `'dequantized'` (default) measures the quantized weights in real space, the function and the
   * vector that the bounds speak of; `'latent'` the float weights behind them, quantized again after every perturbation;
   * `'float'` the same float weights with the quantizers of kernels passed by, the model that training holds in secret.
   */
  readonly view?: View;
  /**
   * `'fold'` measures the kernels that batch normalization makes, K gamma / sqrt(variance + epsilon), which is
   * invariant to the scale of K: the default of searches, norms and landscapes. `'inference'` measures the kernels as
   * stored: the default of `samSharpness`, `averageSharpness` and the Hessians. Statistics are frozen either way.
   */
  readonly batchNorm?: 'fold' | 'inference';
  /** Whether the step sizes and offsets of quantizers are perturbed too; they are not, unless asked. */
  readonly includeSteps?: boolean;
  /** What the model returns; read from its last activation unless said. */
  readonly output?: OutputKind;
}

/** A parameter while it is measured. */
export interface Parameter extends FoundParameter {
  /** Its unperturbed value in the measured view. Don't dispose. */
  readonly centre: tf.Tensor;
  /** Whether a batch normalization was folded into it. */
  readonly folded: boolean;
}

/** The names of `SubjectOptions`. */
export const SUBJECT_OPTIONS = ['scope', 'view', 'batchNorm', 'includeSteps', 'output'] as const;

/**
 * The options of measures of the loss itself (SAM, average sharpness, Hessians): all parameters that training moves, as
 * they are stored, unless said otherwise.
 */
export function asTrained<Options extends SubjectOptions>(options: Options): Options {
  return { ...options, scope: options.scope ?? 'all', batchNorm: options.batchNorm ?? 'inference' };
}

/** What a number was measured on. Numbers that differ in it are not comparable. */
export interface MeasuredOn {
  /** `'float'` where nothing is quantized. */
  readonly view: View;
  /** `'custom'` for a function. */
  readonly scope: 'weights' | 'all' | 'custom';
  /** `'none'` where the model has no batch normalization. */
  readonly batchNorm: 'fold' | 'inference' | 'none';
}

export function measuredOn({ view, scope, batchNorm }: Subject): MeasuredOn {
  return { view, scope, batchNorm };
}

/** A model made ready for measurement: a function of its input, and the parameters that it is perturbed in. */
export interface Subject extends MeasuredOn {
  readonly parameters: readonly Parameter[];
  /** Every parameter of the model as it is stored, in scope or not, but for steps of quantizers. */
  readonly stored: readonly FoundParameter[];
  readonly outputKind: OutputKind;
  /** Whether the outputs are a staircase of the parameters, because quantizers stand after some of them. */
  readonly stepped: boolean;
  /** What the model takes of data. */
  readonly expects: Expected;
  /** How many examples of this size make a batch that is short enough to be polite. */
  readonly batchSize: number;
  /** The model in inference mode. The caller disposes the result. */
  predict(x: tf.Tensor): tf.Tensor;
  /** Puts every parameter back to its centre. */
  recentre(): void;
  /** Puts the model back as it was before `openSubject`, bit for bit. */
  close(): void;
}

/** Models that are open: two measurements at a time would each perturb what the other one measures. */
const open = new WeakSet<ModelLike>();

/**
 * Makes a model ready: dequantizes (view), folds batch normalization in place, and selects the parameters in scope.
 * Nothing but variables (and the `bypass` of quantizers) is touched, and `close` restores every one of them.
 *
 * @throws TypeError if the model has not one input and one output, RangeError if no parameter is in scope, Error if the
 * model is open already
 */
export function openSubject(model: ModelLike, options: SubjectOptions, caller: string): Subject {
  const { scope = 'weights', view = 'dequantized', batchNorm = 'fold', includeSteps = false } = options;
  if (typeof scope !== 'function') requireOneOf(caller, 'scope', scope, ['weights', 'all']);
  requireOneOf(caller, 'view', view, ['dequantized', 'latent', 'float']);
  requireOneOf(caller, 'batchNorm', batchNorm, ['fold', 'inference']);
  checkModel(model, caller);
  if (open.has(model))
    throw new Error(`${caller}: another measurement of this model is running; await it before starting the next`);
  open.add(model);
  const saved = new Map<tf.Variable, { readonly value: tf.Tensor; readonly trainable: boolean }>();
  const bypassed: { bypass: boolean }[] = [];
  const parameters: Parameter[] = [];
  const save = (variable: tf.Variable) => {
    if (!saved.has(variable))
      saved.set(variable, { value: tf.keep(tf.clone(variable)), trainable: variable.trainable });
  };
  const change = (variable: tf.Variable, value: tf.Tensor) => {
    save(variable);
    variable.assign(tf.cast(value, variable.dtype));
  };
  const close = () => {
    for (const parameter of parameters.splice(0)) parameter.centre.dispose();
    for (const [variable, { value, trainable }] of saved) {
      variable.assign(value);
      variable.trainable = trainable;
      value.dispose();
    }
    saved.clear();
    for (const kernel of bypassed.splice(0)) kernel.bypass = false;
    open.delete(model);
  };
  try {
    const layersModel = isLayersModel(model) ? model : undefined;
    const quantized = layersModel ? flatLayers(layersModel).flatMap((layer) => quantizedLayer(layer) ?? []) : [];
    if (view !== 'latent')
      for (const kernel of quantized.flatMap((layer) => layer.kernels).filter((each) => !each.bypass)) {
        if (view === 'dequantized') tf.tidy(() => change(kernel.latent, kernel.dequantized()));
        kernel.bypass = true;
        bypassed.push(kernel);
      }
    const found = modelParameters(model);
    const folded = new Set<tf.Variable>();
    const measured =
      layersModel && batchNorm === 'fold' ? foldInPlace(layersModel, found, { view, change, folded }) : found;
    for (const parameter of measured.filter((each) => inScope(each, scope, includeSteps))) {
      save(parameter.variable);
      parameter.variable.trainable = true;
      const centre = tf.keep(tf.clone(parameter.variable));
      parameters.push({ ...parameter, centre, folded: folded.has(parameter.variable) });
    }
    if (parameters.length === 0)
      throw new RangeError(`${caller}: no parameter is in scope; the model has ${namesOf(found)}`);
    return {
      parameters,
      stored: found.filter(({ role }) => role !== 'step'),
      outputKind:
        options.output ??
        (layersModel ? outputKind(layersModel) : ((model as { output?: OutputKind }).output ?? 'logits')),
      stepped: quantized.some(
        ({ kernels, steps }) => steps.length > kernels.length || (view === 'latent' && kernels.length > 0),
      ),
      view: quantized.some((layer) => layer.kernels.length > 0) ? view : 'float',
      scope: typeof scope === 'function' ? 'custom' : scope,
      batchNorm: layersModel && hasBatchNorm(layersModel) ? batchNorm : 'none',
      expects: { inputShape: layersModel?.inputs[0]?.shape },
      batchSize: politeBatch(layersModel?.inputs[0]?.shape ?? []),
      predict: layersModel
        ? (x) => layersModel.apply(x, { training: false }) as tf.Tensor
        : (x) => (model as { forward(x: tf.Tensor): tf.Tensor }).forward(x),
      recentre: () => {
        for (const { variable, centre } of parameters) variable.assign(centre);
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** A million input numbers, at most 256 examples: some 30 ms of a small net. Fixed, so that results don't depend on speed. */
function politeBatch(inputShape: readonly (number | null)[]): number {
  const numbers = inputShape.slice(1).reduce<number>((product, size) => product * (size ?? 1), 1);
  return Math.max(1, Math.min(256, Math.floor(2 ** 20 / numbers)));
}

function checkModel(model: ModelLike, caller: string): void {
  if (!isLayersModel(model)) {
    if (typeof model?.forward !== 'function' || !Array.isArray(model.variables))
      throw new TypeError(`${caller}: a model is a LayersModel or { forward, variables }, got ${typeof model}`);
  } else if (model.inputs.length !== 1 || model.outputs.length !== 1)
    throw new TypeError(
      `${caller}: the model must have one input and one output, it has ${model.inputs.length} and ${model.outputs.length}; wrap it as { forward, variables }`,
    );
}

function namesOf(found: readonly FoundParameter[]): string {
  return found.length === 0 ? 'no variables' : found.map(({ name, role }) => `${name} (${role})`).join(', ');
}

function hasBatchNorm(model: LayersModel): boolean {
  return flatLayers(model).some((layer) => layer.getClassName() === 'BatchNormalization');
}

type Change = (variable: tf.Variable, value: tf.Tensor) => void;

/**
 * Moves every foldable batch normalization into the kernel and bias before it and makes the normalization itself the
 * identity (mean 0, variance 1 - epsilon, gamma 1, beta 0). Where the producer has no bias, b' stays in the
 * normalization's beta (or as -b' in its mean), which then counts as a bias. In the latent view a quantized producer is
 * left alone: its quantizer is not linear in the scale of a channel.
 */
function foldInPlace(
  model: LayersModel,
  found: readonly FoundParameter[],
  { view, change, folded }: { readonly view: View; readonly change: Change; readonly folded: Set<tf.Variable> },
): FoundParameter[] {
  let all = [...found];
  const leaves = leafLayers(model);
  for (const { producer, batchNorm } of foldableBatchNorms(model)) {
    const quantized = quantizedLayer(producer);
    if (quantized?.kernels.length && view === 'latent') continue;
    const kernel = kernelOf(producer, quantized?.kernels[quantized.kernels.length - 1]?.latent);
    const bias = weightOf(producer, 'bias');
    const [gamma, beta] = [weightOf(batchNorm, 'gamma'), weightOf(batchNorm, 'beta')];
    const [mean, variance] = [weightOf(batchNorm, 'moving_mean')!, weightOf(batchNorm, 'moving_variance')!];
    const epsilon = batchNorm.getConfig().epsilon as number;
    tf.tidy(() => {
      const affine = { gamma, beta, mean, variance, epsilon };
      const result = foldBatchNorm({ kernel: kernel.variable as tf.Tensor, bias }, affine, kernel.axes);
      change(kernel.variable, result.kernel);
      if (bias) change(bias, result.bias);
      if (beta) change(beta, bias ? tf.zerosLike(beta) : result.bias);
      change(mean, bias || beta ? tf.zerosLike(mean) : tf.neg(result.bias));
      if (gamma) change(gamma, tf.onesLike(gamma));
      change(variance, tf.fill(variance.shape, 1 - epsilon));
    });
    all = all.filter(({ variable }) => variable !== gamma && variable !== beta);
    if (!bias) {
      const number = leaves.findIndex(({ layer }) => layer === producer);
      const made = { name: `${leaves[number]!.path}/bias`, role: 'bias', place: `${number}.bias` } as const;
      const variable = beta ?? mean;
      all.push({ ...made, shape: variable.shape, variable, filterAxes: [0] });
    }
    folded.add(kernel.variable).add(bias ?? beta ?? mean);
  }
  return all;
}

function weightOf(layer: layers.Layer, name: string): tf.Variable | undefined {
  return layer.weights.find((weight) => lastPart(weight.originalName) === name)?.read() as tf.Variable | undefined;
}

/** What a normalization is folded into: of a quantized layer the float weights behind its last kernel. */
function kernelOf(layer: layers.Layer, latent: tf.Variable | undefined) {
  const weight = outputKernel(layer);
  const variable = latent ?? (weight.read() as tf.Variable);
  return { variable, axes: filterAxes(weight.originalName, layerClass(layer).className, variable.rank) };
}
