import {
  asClasses,
  type ClassKind,
  claimVariables,
  classKind,
  type Expected,
  filterAxes,
  foldableBatchNorms,
  foldBatchNorm,
  layerClass,
  leafLayers,
  OUTPUT_KINDS,
  type OutputKind,
  outputKernel,
  outputKind,
  requireBooleans,
  requireOneOf,
  shown,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import {
  type FoundParameter,
  type FunctionModel,
  flatLayers,
  inScope,
  isLayersModel,
  lastPart,
  type ModelLike,
  modelParameters,
  modelVariables,
  type NamedVariable,
  type Scope,
} from './parameters';
import { quantizedLayer } from './quantized';

/** The part of a quantized model that is measured: see `OpenModelOptions`. */
export type View = 'float' | 'dequantized' | 'latent';

/** Which parameters are perturbed and make up w, and in which form. */
export interface OpenModelOptions {
  /** Which parameters; `'weights'` (kernels) unless said. */
  readonly scope?: Scope;
  /**
   * Of a quantized model: `'dequantized'` (default) measures the quantized weights in real space, the function and the
   * vector that the bounds are about; `'latent'` the float weights, quantized again after every perturbation; `'float'`
   * the same float weights without the quantizers of kernels: the float model being trained.
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
  /**
   * The kind of output of the model. By default it is that of `{ forward, variables, output }` (logits where it has none), or is
   * read from a LayersModel: see `OutputKind`.
   */
  readonly output?: OutputKind;
}

/** A parameter while it is measured. */
export interface Parameter extends FoundParameter {
  /** Its unperturbed value in the measured view. Don't dispose. */
  readonly centre: tf.Tensor;
  /** Whether a batch normalization was folded into it. */
  readonly folded: boolean;
}

/** The names of `OpenModelOptions`. */
export const SUBJECT_OPTIONS = ['scope', 'view', 'batchNorm', 'includeSteps', 'output'] as const;

/**
 * The options of measures of the loss itself (SAM, average sharpness, Hessians): all parameters that training moves, as
 * they are stored, unless said otherwise.
 */
export function asTrained<Options extends OpenModelOptions>(options: Options): Options {
  return { ...options, scope: options.scope ?? 'all', batchNorm: options.batchNorm ?? 'inference' };
}

/** The setting that a number was measured in. Numbers measured in different settings are not comparable. */
export interface MeasuredOn {
  /** `'float'` where nothing is quantized. */
  readonly view: View;
  /** `'custom'` for a function. */
  readonly scope: 'weights' | 'all' | 'custom';
  /** `'none'` where the model has no batch normalization. */
  readonly batchNorm: 'fold' | 'inference' | 'none';
  /** The kind of output of the model, which determines the loss. */
  readonly output: OutputKind;
}

export function measuredOn({ view, scope, batchNorm, output }: OpenModel): MeasuredOn {
  return { view, scope, batchNorm, output };
}

/**
 * The outputs that a measure can use. `'classes'`: outputs that tell classes apart, binary ones included. `'any'`: a
 * regression too. `'weights'`: any, for the outputs are not used.
 */
export type Takes = 'classes' | 'any' | 'weights';

/** A model made ready for measurement: a function of its input, and the parameters that it is perturbed in. */
export interface OpenModel extends MeasuredOn {
  readonly parameters: readonly Parameter[];
  /** Every parameter of the model as it is stored, in scope or not, but for steps of quantizers. */
  readonly stored: readonly FoundParameter[];
  /** Every variable of the model, running statistics and those out of scope included. */
  readonly variables: readonly NamedVariable[];
  /** Whether the caller said what the model returns. */
  readonly outputIsSaid: boolean;
  /** The kind of output of `predict`. */
  readonly outputKind: ClassKind | 'regression';
  /** Whether the outputs are a staircase of the parameters, because quantizers stand after some of them. */
  readonly stepped: boolean;
  /** The form of data that the model takes. */
  readonly expects: Expected;
  /** How many examples make a batch that blocks the event loop only briefly. */
  readonly batchSize: number;
  /** The model in inference mode, binary outputs as those of two classes. The caller disposes the result. */
  predict(x: tf.Tensor): tf.Tensor;
  /** The outputs of the model itself. The caller disposes the result. */
  rawOutputs(x: tf.Tensor): tf.Tensor;
  /** Puts every parameter back to its centre. */
  recentre(): void;
  /** Puts the model back as it was before `openModel`, bit for bit. */
  close(): void;
}

/**
 * Makes a model ready: dequantizes (view), folds batch normalization in place, and selects the parameters in scope.
 * Nothing but variables (and the `bypass` of quantizers) is touched, and `close` restores every one of them. Until then
 * a model that shares a variable with this one cannot be opened, because each would perturb what the other measures.
 *
 * @throws TypeError if the model is none, has not one input and one output, is disposed, is stateful, or returns what
 * `takes` does not take; RangeError for options out of range and if no parameter is in scope; Error if one of its variables is being
 * measured already
 */
export function openModel(
  model: ModelLike,
  options: OpenModelOptions,
  caller: string,
  takes: Takes = 'classes',
): OpenModel {
  const { scope = 'weights', view = 'dequantized', batchNorm = 'fold', includeSteps = false } = options;
  if (typeof scope !== 'function') requireOneOf(caller, 'scope', scope, ['weights', 'all']);
  requireOneOf(caller, 'view', view, ['dequantized', 'latent', 'float']);
  requireOneOf(caller, 'batchNorm', batchNorm, ['fold', 'inference']);
  requireBooleans(caller, { includeSteps });
  checkModel(model, caller);
  const layersModel = isLayersModel(model) ? model : undefined;
  if (layersModel && takes !== 'weights') refuseState(layersModel, caller);
  const output = takes === 'weights' ? 'logits' : outputOf(model, options.output, caller);
  if (output === 'regression' && takes === 'classes')
    throw new TypeError(
      `${caller}: is about the accuracy of a classifier, and the output of this model is a regression; generalizationGap, samSharpness, averageSharpness, lossLandscape and the Hessians take one. If it is a classifier, say output: 'logits'`,
    );
  const variables = checkedVariables(model, caller);
  const release = claimVariables(variables, caller);
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
    release();
  };
  try {
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
    const rawOutputs = (x: tf.Tensor): tf.Tensor => {
      const outputs = layersModel ? layersModel.apply(x, { training: false }) : (model as FunctionModel).forward(x);
      if (outputs instanceof tf.Tensor) return outputs;
      throw new TypeError(
        `${caller}: forward must return a tensor, got ${outputs instanceof Promise ? 'a Promise' : shown(outputs)}`,
      );
    };
    return {
      parameters,
      stored: found.filter(({ role }) => role !== 'step'),
      variables,
      output,
      outputIsSaid: options.output !== undefined,
      outputKind: classKind(output),
      stepped: quantized.some(
        ({ kernels, steps }) => steps.length > kernels.length || (view === 'latent' && kernels.length > 0),
      ),
      view: quantized.some((layer) => layer.kernels.length > 0) ? view : 'float',
      scope: typeof scope === 'function' ? 'custom' : scope,
      batchNorm: layersModel && hasBatchNorm(layersModel) ? batchNorm : 'none',
      expects: {
        labels: output === 'regression' ? 'numbers' : 'classes',
        inputShape: layersModel?.inputs[0]?.shape,
        classes: layersModel && output !== 'regression' ? classesOf(layersModel, output) : undefined,
      },
      batchSize: shortBatch(layersModel?.inputs[0]?.shape ?? []),
      predict: output.startsWith('binary') ? (x) => tf.tidy(() => asClasses(rawOutputs(x), output)) : rawOutputs,
      rawOutputs,
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
function shortBatch(inputShape: readonly (number | null)[]): number {
  const numbers = inputShape.slice(1).reduce<number>((product, size) => product * (size ?? 1), 1);
  return Math.max(1, Math.min(256, Math.floor(2 ** 20 / numbers)));
}

function checkModel(model: ModelLike, caller: string): void {
  if (typeof model !== 'object' || model === null || !(isLayersModel(model) || isFunctionModel(model)))
    throw new TypeError(`${caller}: a model is a LayersModel or { forward, variables }, got ${shown(model)}`);
  if (!isLayersModel(model)) return;
  const [inputs, outputs] = [model.inputs?.length ?? 0, model.outputs?.length ?? 0];
  if (inputs === 0) throw new TypeError(`${caller}: the model is not built; give its first layer an inputShape`);
  if (inputs !== 1 || outputs !== 1)
    throw new TypeError(
      `${caller}: the model must have one input and one output, it has ${inputs} and ${outputs}; wrap it as { forward, variables }`,
    );
}

/** A pass over the data must not change what the next one gives. */
function refuseState(model: LayersModel, caller: string): void {
  const stateful = leafLayers(model).find(({ layer }) => layer.stateful);
  if (stateful)
    throw new TypeError(
      `${caller}: layer ${stateful.path} is stateful, so what the model returns depends on the batches before; build the model with stateful: false and give it these weights`,
    );
}

function isFunctionModel(model: Partial<FunctionModel>): boolean {
  return typeof model.forward === 'function' && Array.isArray(model.variables);
}

function checkedVariables(model: ModelLike, caller: string): NamedVariable[] {
  let variables: NamedVariable[];
  try {
    variables = modelVariables(model);
  } catch (cause) {
    // A weight of a LayersModel can't be read for one reason alone.
    throw new TypeError(`${caller}: the model is disposed; load or build it again`, { cause });
  }
  const seen = new Set<tf.Variable>();
  for (const { name, variable } of variables) {
    if (!(variable instanceof tf.Variable))
      throw new TypeError(`${caller}: variables must be of tf.Variable or { name, variable }, got ${shown(variable)}`);
    if (variable.isDisposed) throw new TypeError(`${caller}: the model is disposed; load or build it again`);
    if (seen.has(variable)) throw new TypeError(`${caller}: the model lists its variable ${name} twice; list it once`);
    seen.add(variable);
  }
  return variables;
}

function outputOf(model: ModelLike, said: OutputKind | undefined, caller: string): OutputKind {
  const output = said ?? (isLayersModel(model) ? outputKind(model, caller) : (model.output ?? 'logits'));
  requireOneOf(caller, 'output', output, OUTPUT_KINDS);
  return output;
}

/** The number of classes that a model tells apart, where its output shape says. */
function classesOf(model: LayersModel, output: OutputKind): number | undefined {
  if (output.startsWith('binary')) return 2;
  const { shape } = model.outputs[0]!;
  return shape[shape.length - 1] ?? undefined;
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

/** The variable that a normalization is folded into: of a quantized layer the float weights behind its last kernel. */
function kernelOf(layer: layers.Layer, latent: tf.Variable | undefined) {
  const weight = outputKernel(layer);
  const variable = latent ?? (weight.read() as tf.Variable);
  return { variable, axes: filterAxes(weight.originalName, layerClass(layer).className, variable.rank) };
}
