import { filterAxes, layerClass, leafLayers, namedWeights, type OutputKind } from '@qgen/core';
import { type Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';
import { quantizedLayer } from './quantized';

/**
 * The role of a variable in its model. `batchNorm`: gamma and beta beside running statistics, those of other normalizations
 * are `other`, as are the slopes of a PReLU. `step`: a learned step size or offset of a quantizer.
 */
export type ParameterRole = 'kernel' | 'bias' | 'batchNorm' | 'step' | 'other';

/** A variable by name; without a role, variables of rank 2 and more are kernels and the others biases. */
export interface NamedVariable {
  readonly name: string;
  readonly variable: Variable;
  readonly role?: ParameterRole;
}

/**
 * A model that is not a LayersModel: a function of its input in inference mode, and every variable that it reads.
 * Integer variables are never perturbed. `output` is `'logits'` unless said.
 */
export interface FunctionModel {
  forward(x: Tensor): Tensor;
  readonly variables: readonly (Variable | NamedVariable)[];
  readonly output?: OutputKind;
}

/** A model that the measures accept. A LayersModel has one input and one output. */
export type ModelLike = LayersModel | FunctionModel;

/** A parameter as a scope sees it. `name` is the path of the layer and the weight in it: `conv1/kernel`, `encoder/fc/bias`. */
export interface ParameterInfo {
  readonly name: string;
  readonly role: ParameterRole;
  readonly shape: readonly number[];
}

/**
 * Which parameters are perturbed and make up w.
 * `weights`: kernels only (dense, convolution, depthwise, embedding, recurrent).
 * `all`: also biases and the affine of batch normalizations that are not folded.
 * A function chooses for itself. Step sizes of quantizers belong to none of them (see `includeSteps`).
 */
export type Scope = 'weights' | 'all' | ((parameter: ParameterInfo) => boolean);

/** A variable with its place in the model. */
export interface FoundParameter extends ParameterInfo {
  readonly variable: Variable;
  /** Where it stands whatever things are called: the number of its layer and of the weight in it, `3.0`. */
  readonly place: string;
  /** The axes that number filters; see `filterAxes` of `@qgen/core`. */
  readonly filterAxes: readonly number[];
}

export function isLayersModel(model: ModelLike): model is LayersModel {
  return Array.isArray((model as LayersModel).layers);
}

/** The layers of a model, those of nested models in place of the models. */
export function flatLayers(model: Pick<LayersModel, 'layers'>): layers.Layer[] {
  return leafLayers(model).map(({ layer }) => layer);
}

/** Every variable of a model that training moves, in the order of its layers; running statistics are not among them. */
export function modelParameters(model: ModelLike): FoundParameter[] {
  if (!isLayersModel(model)) return functionParameters(model);
  const seen = new Set<Variable>();
  const found: FoundParameter[] = [];
  for (const [number, { layer, path }] of leafLayers(model).entries()) {
    const { className } = layerClass(layer);
    const add = (name: string, variable: Variable, role: ParameterRole | undefined, index: number) => {
      if (role === undefined || seen.has(variable)) return;
      seen.add(variable);
      const axes = filterAxes(lastPart(name), className, variable.rank);
      const place = `${number}.${index}`;
      found.push({ name: `${path}/${name}`, role, shape: variable.shape, variable, place, filterAxes: axes });
    };
    const { kernels = [], steps = [] } = quantizedLayer(layer) ?? {};
    const weights = namedWeights(layer);
    const inBatchNorm = weights.some(({ name }) => /^moving_/.test(lastPart(name)));
    for (const [index, { name, weight }] of weights.entries()) {
      const variable = weight.read() as Variable;
      const { trainable } = weight;
      const role = roleOf({ name: lastPart(name), rank: variable.rank, className, inBatchNorm, trainable });
      add(name, variable, steps.includes(variable) ? 'step' : role, index);
    }
    let index = weights.length;
    for (const { latent } of kernels) add(lastPart(latent.name), latent, 'kernel', index++);
    for (const step of steps) add(lastPart(step.name), step, 'step', index++);
  }
  return found;
}

/** Every variable of a model, running statistics included, in the order of its layers. */
export function modelVariables(model: ModelLike): NamedVariable[] {
  if (!isLayersModel(model)) return model.variables.map(named);
  const found = new Map<Variable, string>();
  for (const { layer, path } of leafLayers(model)) {
    const { kernels = [], steps = [] } = quantizedLayer(layer) ?? {};
    const own = namedWeights(layer).map(({ name, weight }) => [name, weight.read() as Variable] as const);
    const hidden = [...kernels.map(({ latent }) => latent), ...steps].map(
      (each) => [lastPart(each.name), each] as const,
    );
    for (const [name, variable] of [...own, ...hidden])
      if (!found.has(variable)) found.set(variable, `${path}/${name}`);
  }
  return [...found].map(([variable, name]) => ({ name, variable }));
}

/** Whether a parameter is in scope. */
export function inScope(parameter: ParameterInfo, scope: Scope, includeSteps: boolean): boolean {
  if (parameter.role === 'step') return includeSteps;
  if (typeof scope === 'function') return scope(parameter);
  return scope === 'all' || parameter.role === 'kernel';
}

/** `kernel` of `block/conv_1/kernel`. */
export function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1).replace(/[_#]\d+$/, '');
}

function functionParameters(model: FunctionModel): FoundParameter[] {
  const floats = model.variables.map(named).filter(({ variable }) => variable.dtype === 'float32');
  return floats.map(({ name, variable, role }, index) => {
    return {
      name,
      role: role ?? (variable.rank > 1 ? 'kernel' : 'bias'),
      shape: variable.shape,
      variable,
      place: `${index}`,
      filterAxes: filterAxes(name, '', variable.rank),
    };
  });
}

function named(entry: Variable | NamedVariable): NamedVariable {
  return entry instanceof Variable ? { name: entry.name, variable: entry } : entry;
}

interface Place {
  readonly name: string;
  readonly rank: number;
  readonly className: string;
  /** Whether the layer has running statistics; gamma and beta of other normalizations can't be folded. */
  readonly inBatchNorm: boolean;
  readonly trainable: boolean;
}

/** Undefined for what training does not move. */
function roleOf({ name, rank, className, inBatchNorm, trainable }: Place): ParameterRole | undefined {
  if (/^moving_/.test(name)) return undefined;
  if (/kernel$|^embeddings$/.test(name)) return 'kernel';
  if (/bias$/.test(name)) return 'bias';
  if (name === 'gamma' || name === 'beta') return inBatchNorm ? 'batchNorm' : 'other';
  if (!trainable) return undefined;
  return rank > 1 && className !== 'PReLU' ? 'kernel' : 'other';
}
