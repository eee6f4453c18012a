import type { LayerVariable, layers } from '@tensorflow/tfjs-layers';
import { heldLayers, madeWeights } from './held-layers';

/** A weight of a layer under a name that no other weight of the layer has. */
export interface NamedWeight {
  /**
   * The weight's full name in a saved model, without the layer's: `kernel`, `RNNCell_0/kernel`, `forward_lstm/bias`.
   * Where several weights of the layer have one name the second is called `name#2`, the third `name#3`.
   */
  readonly name: string;
  readonly weight: LayerVariable;
}

/**
 * The weights of a layer with names that are unique in it. Their order is that of the layers it holds, and in each of
 * these the order in which they were made; what is frozen changes neither order nor names, unlike `layer.weights`, which
 * lists what is trained first.
 *
 * @param weights which weights; all of the layer's unless said
 */
export function namedWeights(layer: layers.Layer, weights: readonly LayerVariable[] = layer.weights): NamedWeight[] {
  const wanted = new Set(weights);
  const made = heldLayers(layer).flatMap(madeWeights);
  const ordered = new Set([...made.filter((weight) => wanted.has(weight)), ...weights]);
  const used = new Map<string, number>();
  return [...ordered].map((weight) => {
    const name = nameWithin(layer, weight);
    const count = (used.get(name) ?? 0) + 1;
    used.set(name, count);
    return { name: count === 1 ? name : `${name}#${count}`, weight };
  });
}

/**
 * Pairs the weights of a layer with those of its counterpart in another model: all by their names in the layer, or, where
 * the two have not the same names (a layer that makes layers of its own may call them something else each time), all by
 * order, and then the last parts of the names must agree.
 *
 * @param caller the function that was called, for the message
 * @param path where the layer stands in its model, for the message
 * @throws RangeError, naming the layer, if the numbers of weights differ, or a pair differs in shape or kind of name
 */
export function pairWeights(
  caller: string,
  path: string,
  from: readonly NamedWeight[],
  to: readonly NamedWeight[],
): (readonly [from: LayerVariable, to: LayerVariable])[] {
  const named = new Map(to.map((target) => [target.name, target]));
  const byName = from.every(({ name }) => named.has(name));
  const pairs = from.map((source, index) => [source, byName ? named.get(source.name) : to[index]] as const);
  const fits =
    from.length === to.length &&
    pairs.every(
      ([source, target]) =>
        target && lastPart(source) === lastPart(target) && `${source.weight.shape}` === `${target.weight.shape}`,
    );
  if (!fits)
    throw new RangeError(
      `${caller}: the weights of layer ${path} cannot be paired: it has ${listed(from)}, and made from its configuration ${listed(to)}; look at its getConfig and build`,
    );
  return pairs.map(([source, target]) => [source.weight, target!.weight]);
}

/** The weight's name in a saved model, without the layer's. */
function nameWithin(layer: layers.Layer, { originalName }: LayerVariable): string {
  return originalName.startsWith(`${layer.name}/`) ? originalName.slice(layer.name.length + 1) : originalName;
}

const lastPart = ({ weight }: NamedWeight): string => weight.originalName.split('/').at(-1)!;

const listed = (weights: readonly NamedWeight[]): string =>
  weights.map(({ name, weight }) => `${name} [${weight.shape}]`).join(', ') || 'none';
