import { shown } from '@qgen/core';
import { type OpenModel, openModel } from './open-model';
import type { ModelLike, ParameterRole } from './parameters';
import { requireFiniteWeights } from './require-finite-weights';

/** The values of one parameter at the time of the snapshot. */
export interface SavedParameter {
  /** The path of its layer and its name there, which no other parameter of a LayersModel has. */
  readonly name: string;
  readonly role: ParameterRole;
  readonly shape: readonly number[];
  /** Where it stood in the model whatever things are called: the number of its layer and of the weight in it, `3.0`. */
  readonly place: string;
  readonly values: Float32Array;
}

/** The parameters of a model at one time, on the host; `folded` with batch normalization folded into its producers. */
export interface Snapshot {
  readonly raw: readonly SavedParameter[];
  readonly folded: readonly SavedParameter[];
}

/**
 * Copies the weights of a model, for use as w0 later: call it after initialization, before training. Of a quantized
 * model it keeps the float weights behind the quantizer, because w0 is where training started. The snapshot may be
 * taken from the float model that the quantized one was made of.
 *
 * @throws RangeError if a weight is NaN or infinite; TypeError for what is no model
 */
export async function snapshot(model: ModelLike): Promise<Snapshot> {
  const raw = await read(model, 'inference');
  const folded = raw.batchNorm === 'none' ? raw : await read(model, 'fold');
  return { raw: raw.parameters, folded: folded.parameters };
}

async function read(
  model: ModelLike,
  batchNorm: 'fold' | 'inference',
): Promise<Pick<OpenModel, 'batchNorm'> & { readonly parameters: readonly SavedParameter[] }> {
  // The float weights: quantizers are passed by, not applied.
  const subject = openModel(model, { scope: 'all', view: 'float', batchNorm }, 'snapshot', 'weights');
  try {
    await requireFiniteWeights(subject, 'snapshot');
    const parameters = await Promise.all(
      subject.parameters.map(async ({ name, role, shape, place, centre }) => ({
        name,
        role,
        shape,
        place,
        values: Float32Array.from(await centre.data()),
      })),
    );
    return { batchNorm: subject.batchNorm, parameters };
  } finally {
    subject.close();
  }
}

/** @throws TypeError unless this is what `snapshot` returns */
export function requireSnapshot(saved: unknown, name: string, caller: string): asserts saved is Snapshot {
  const { raw, folded } = (saved ?? {}) as Partial<Snapshot>;
  if (!Array.isArray(raw) || !Array.isArray(folded))
    throw new TypeError(
      `${caller}: ${name} must be what snapshot(model) returns, got ${saved instanceof Promise ? 'a Promise: await it' : shown(saved)}`,
    );
}

/**
 * w0: the saved values of a subject's parameters, one after another. All are found by name; or, where the snapshot lacks a
 * name that the model has (of two models that one function built, layers may be called `dense_Dense1` and
 * `dense_Dense3`) but both have the same parameters in the same order, all by their place in the model.
 *
 * @throws RangeError if a parameter has no counterpart of its role and shape
 */
export function initialWeights(
  { parameters, stored }: Pick<OpenModel, 'parameters' | 'stored'>,
  saved: Snapshot,
  caller: string,
): Float32Array {
  const unique = [stored, saved.raw].every(namesAreUnique);
  const names = new Set(saved.raw.map(({ name }) => name));
  const byName = unique && stored.every(({ name }) => names.has(name));
  const byPlace = !byName && sameArchitecture(stored, saved.raw);
  if (!byPlace && !unique)
    throw new RangeError(
      `${caller}: names do not tell the parameters apart, and the snapshot has others than the model; give each a name of its own, or take the snapshot from the same architecture`,
    );
  const keyOf = (parameter: Placed) => (byPlace ? parameter.place : parameter.name);
  const [raw, folded] = [saved.raw, saved.folded].map((list) => new Map(list.map((each) => [keyOf(each), each])));
  const flat = new Float32Array(parameters.reduce((sum, { centre }) => sum + centre.size, 0));
  let offset = 0;
  for (const parameter of parameters) {
    const { name, role, shape } = parameter;
    const found = (parameter.folded ? folded : raw).get(keyOf(parameter));
    if (!found || found.role !== role || `${found.shape}` !== `${shape}`)
      throw new RangeError(
        `${caller}: the snapshot has no counterpart of ${name} [${shape}]; take it from the same architecture, with the parameters in scope`,
      );
    flat.set(found.values, offset);
    offset += found.values.length;
  }
  return flat;
}

type Placed = Pick<SavedParameter, 'name' | 'place' | 'role' | 'shape'>;

const namesAreUnique = (parameters: readonly Placed[]): boolean =>
  new Set(parameters.map(({ name }) => name)).size === parameters.length;

/** Whether two lists have the same roles and shapes in the same places. */
function sameArchitecture(a: readonly Placed[], b: readonly Placed[]): boolean {
  const described = (parameters: readonly Placed[]) =>
    parameters.map(({ place, role, shape }) => `${place} ${role} [${shape}]`).join();
  return described(a) === described(b);
}
