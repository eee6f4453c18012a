import { type ModelLike, modelParameters, type ParameterRole } from './parameters';
import { openSubject, type Parameter } from './subject';

/** One parameter as it was. */
export interface SavedParameter {
  readonly name: string;
  readonly role: ParameterRole;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** The parameters of a model at one time, on the host; `folded` with batch normalization folded into its producers. */
export interface Snapshot {
  readonly raw: readonly SavedParameter[];
  readonly folded: readonly SavedParameter[];
}

/**
 * Remembers the weights of a model, for use as w0 later: call it after initialization, before training. Of a quantized
 * model it keeps the float weights behind the quantizer, because w0 is where training started. The snapshot may be
 * taken from the float model that the quantized one was made of.
 */
export async function snapshot(model: ModelLike): Promise<Snapshot> {
  const roles = new Set(modelParameters(model).map(({ role }) => role));
  const raw = await read(model, 'inference');
  return { raw, folded: roles.has('batchNorm') ? await read(model, 'fold') : raw };
}

async function read(model: ModelLike, batchNorm: 'fold' | 'inference'): Promise<SavedParameter[]> {
  // The float weights: quantizers are passed by, not applied.
  const subject = openSubject(model, { scope: 'all', view: 'float', batchNorm, output: 'logits' }, 'snapshot');
  try {
    return await Promise.all(
      subject.parameters.map(async ({ name, role, shape, centre }) => ({
        name,
        role,
        shape,
        values: Float32Array.from(await centre.data()),
      })),
    );
  } finally {
    subject.close();
  }
}

/**
 * w0: the saved values of a subject's parameters, one after another. Found by name; where a name is missing (a quantized
 * copy may have names of its own), by order among the parameters of one role.
 *
 * @throws RangeError if a parameter has no counterpart of its shape
 */
export function initialWeights(parameters: readonly Parameter[], saved: Snapshot, caller: string): Float32Array {
  const lists = { folded: counterparts(saved.folded), raw: counterparts(saved.raw) };
  const positions = new Map<ParameterRole, number>();
  const flat = new Float32Array(parameters.reduce((sum, { centre }) => sum + centre.size, 0));
  let offset = 0;
  for (const { name, role, shape, folded } of parameters) {
    const position = positions.get(role) ?? 0;
    positions.set(role, position + 1);
    const { byName, byRole } = folded ? lists.folded : lists.raw;
    const found = byName.get(name) ?? byRole.get(role)?.[position];
    if (!found || `${found.shape}` !== `${shape}`)
      throw new RangeError(
        `${caller}: the snapshot has no counterpart of ${name} [${shape}]; take it from the same architecture, with the parameters in scope`,
      );
    flat.set(found.values, offset);
    offset += found.values.length;
  }
  return flat;
}

function counterparts(saved: readonly SavedParameter[]) {
  const byName = new Map(saved.map((parameter) => [parameter.name, parameter]));
  const byRole = new Map<ParameterRole, SavedParameter[]>();
  for (const parameter of saved) byRole.set(parameter.role, [...(byRole.get(parameter.role) ?? []), parameter]);
  return { byName, byRole };
}
