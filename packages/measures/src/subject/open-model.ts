import {
  asClasses,
  type ClassKind,
  claimVariables,
  classKind,
  type Expected,
  type OutputKind,
  requireBooleans,
  requireOneOf,
  shown,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type Changes, recordChanges } from './changes';
import { checkedVariables, checkModel, outputOf, refuseState } from './check-model';
import { foldInPlace } from './fold-in-place';
import type { MeasuredOn, OpenModelOptions, View } from './options';
import {
  type FoundParameter,
  type FunctionModel,
  flatLayers,
  inScope,
  isLayersModel,
  type ModelLike,
  modelParameters,
  type NamedVariable,
} from './parameters';
import { type QuantizedLayer, quantizedLayer } from './quantized';

/** A parameter while it is measured. */
export interface Parameter extends FoundParameter {
  /** Its unperturbed value in the measured view. Don't dispose. */
  readonly centre: tf.Tensor;
  /** Whether a batch normalization was folded into it. */
  readonly folded: boolean;
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
  const chosen = checkedOptions(options, caller);
  const { scope, view, batchNorm } = chosen;
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
  const changes = recordChanges();
  const parameters: Parameter[] = [];
  const close = () => {
    for (const parameter of parameters.splice(0)) parameter.centre.dispose();
    changes.undo();
    release();
  };
  try {
    const quantized = layersModel ? flatLayers(layersModel).flatMap((layer) => quantizedLayer(layer) ?? []) : [];
    if (view !== 'latent') bypassKernels(quantized, view, changes);
    const found = modelParameters(model);
    openParameters(parameters, found, layersModel, { ...chosen, changes });
    if (parameters.length === 0)
      throw new RangeError(`${caller}: no parameter is in scope; the model has ${namesOf(found)}`);
    const rawOutputs = (x: tf.Tensor) => outputsOf(model, x, caller);
    return {
      parameters,
      stored: found.filter(({ role }) => role !== 'step'),
      variables,
      output,
      outputIsSaid: options.output !== undefined,
      outputKind: classKind(output),
      stepped: isStepped(quantized, view),
      view: quantized.some((layer) => layer.kernels.length > 0) ? view : 'float',
      scope: typeof scope === 'function' ? 'custom' : scope,
      batchNorm: layersModel && hasBatchNorm(layersModel) ? batchNorm : 'none',
      expects: expectedOf(layersModel, output),
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

type Chosen = Required<Omit<OpenModelOptions, 'output'>>;

function checkedOptions(options: OpenModelOptions, caller: string): Chosen {
  const { scope = 'weights', view = 'dequantized', batchNorm = 'fold', includeSteps = false } = options;
  if (typeof scope !== 'function') requireOneOf(caller, 'scope', scope, ['weights', 'all']);
  requireOneOf(caller, 'view', view, ['dequantized', 'latent', 'float']);
  requireOneOf(caller, 'batchNorm', batchNorm, ['fold', 'inference']);
  requireBooleans(caller, { includeSteps });
  return { scope, view, batchNorm, includeSteps };
}

/** Lets kernels be used as they are stored: the float weights, or in the view 'dequantized' their quantized values. */
function bypassKernels(quantized: readonly QuantizedLayer[], view: View, changes: Changes): void {
  for (const kernel of quantized.flatMap((layer) => layer.kernels).filter((each) => !each.bypass)) {
    if (view === 'dequantized') tf.tidy(() => changes.assign(kernel.latent, kernel.dequantized()));
    changes.bypass(kernel);
  }
}

/** Adds the parameters in scope to `parameters`, trainable and with their centres, batch normalization folded if asked. */
function openParameters(
  parameters: Parameter[],
  found: readonly FoundParameter[],
  model: LayersModel | undefined,
  { scope, view, batchNorm, includeSteps, changes }: Chosen & { readonly changes: Changes },
): void {
  const folded = new Set<tf.Variable>();
  const measured = model && batchNorm === 'fold' ? foldInPlace(model, found, { view, changes, folded }) : found;
  for (const parameter of measured.filter((each) => inScope(each, scope, includeSteps))) {
    const { variable } = parameter;
    changes.save(variable);
    variable.trainable = true;
    parameters.push({ ...parameter, centre: tf.keep(tf.clone(variable)), folded: folded.has(variable) });
  }
}

/** A clone, for the model may return its input, a variable or a tensor that it keeps. */
function outputsOf(model: ModelLike, x: tf.Tensor, caller: string): tf.Tensor {
  return tf.tidy(() => {
    const outputs = isLayersModel(model) ? model.apply(x, { training: false }) : (model as FunctionModel).forward(x);
    if (outputs instanceof tf.Tensor) return tf.clone(outputs);
    throw new TypeError(
      `${caller}: forward must return a tensor, got ${outputs instanceof Promise ? 'a Promise' : shown(outputs)}`,
    );
  });
}

/** Whether quantizers stand after some of the parameters. */
function isStepped(quantized: readonly QuantizedLayer[], view: View): boolean {
  return quantized.some(
    ({ kernels, steps }) => steps.length > kernels.length || (view === 'latent' && kernels.length > 0),
  );
}

function expectedOf(model: LayersModel | undefined, output: OutputKind): Expected {
  return {
    labels: output === 'regression' ? 'numbers' : 'classes',
    inputShape: model?.inputs[0]?.shape,
    classes: model && output !== 'regression' ? classesOf(model, output) : undefined,
  };
}

/** A million input numbers, at most 256 examples: some 30 ms of a small net. Fixed, so that results don't depend on speed. */
function shortBatch(inputShape: readonly (number | null)[]): number {
  const numbers = inputShape.slice(1).reduce<number>((product, size) => product * (size ?? 1), 1);
  return Math.max(1, Math.min(256, Math.floor(2 ** 20 / numbers)));
}

/** The number of classes that a model tells apart, where its output shape says. */
function classesOf(model: LayersModel, output: OutputKind): number | undefined {
  if (output.startsWith('binary')) return 2;
  const { shape } = model.outputs[0];
  return shape[shape.length - 1] ?? undefined;
}

function namesOf(found: readonly FoundParameter[]): string {
  return found.length === 0 ? 'no variables' : found.map(({ name, role }) => `${name} (${role})`).join(', ');
}

function hasBatchNorm(model: LayersModel): boolean {
  return flatLayers(model).some((layer) => layer.getClassName() === 'BatchNormalization');
}
