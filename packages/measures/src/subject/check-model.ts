import { leafLayers, OUTPUT_KINDS, type OutputKind, outputKind, requireOneOf, shown } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type FunctionModel, isLayersModel, type ModelLike, modelVariables, type NamedVariable } from './parameters';

/** @throws TypeError unless `model` is one, built, with one input and one output */
export function checkModel(model: ModelLike, caller: string): void {
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
export function refuseState(model: LayersModel, caller: string): void {
  const stateful = leafLayers(model).find(({ layer }) => layer.stateful);
  if (stateful)
    throw new TypeError(
      `${caller}: layer ${stateful.path} is stateful, so what the model returns depends on the batches before; build the model with stateful: false and give it these weights`,
    );
}

function isFunctionModel(model: Partial<FunctionModel>): boolean {
  return typeof model.forward === 'function' && Array.isArray(model.variables);
}

/** @throws TypeError unless every variable is one, lives, and is listed once */
export function checkedVariables(model: ModelLike, caller: string): NamedVariable[] {
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

export function outputOf(model: ModelLike, said: OutputKind | undefined, caller: string): OutputKind {
  const output = said ?? (isLayersModel(model) ? outputKind(model, caller) : (model.output ?? 'logits'));
  requireOneOf(caller, 'output', output, OUTPUT_KINDS);
  return output;
}
