import type { layers } from '@tensorflow/tfjs-layers';
import type { Graph } from './graph';
import { asInModel, channelsFirst, type Shape, type Value } from './value';

/** A weight of a layer on the host: its values, or of a kernel that was quantized the codes and steps. */
export interface Weight {
  /** Its name in the file. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
  /** Where `values` are codes. A step is spread over the axes where its shape is 1. */
  readonly codes: { readonly bits: number; readonly step: Float32Array; readonly stepShape: readonly number[] } | null;
}

/** A call of a layer that is to become nodes of a graph. */
export interface LayerCall {
  readonly graph: Graph;
  readonly layer: layers.Layer;
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inputs: readonly [Value, ...Value[]];
  readonly outputShape: Shape;
  /** The weight of that name in the layer, if it has one. */
  weight(name: string): Promise<Weight | undefined>;
  /** Throws a RangeError that names the layer and says what of it ONNX or this package cannot express. */
  refuse(what: string): never;
}

/** Writes the nodes of a layer and gives its output. */
export type Translation = (call: LayerCall) => Value | Promise<Value>;

/** The output of a layer, as the model has it unless `moved`. */
export const outputOf = (call: LayerCall, name: string, moved = false): Value => ({
  name,
  shape: call.outputShape,
  moved,
});

/**
 * The input of a layer that works on maps, its channels before the spatial axes, and the sizes of these. Where the layer's
 * own data format has them so, `moved` is false.
 */
export function mapOf({ graph, config, inputs: [input] }: LayerCall): {
  readonly map: Value;
  readonly sizes: Shape;
  readonly moved: boolean;
} {
  const { shape } = input;
  return config.dataFormat === 'channelsFirst'
    ? { map: asInModel(graph, input), sizes: shape.slice(2), moved: false }
    : { map: channelsFirst(graph, input), sizes: shape.slice(1, -1), moved: true };
}
