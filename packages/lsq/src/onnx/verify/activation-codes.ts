import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { activationQuantizers } from '../../model/activation-quantizers';
import { FLOAT } from '../file/element-types';
import { extendedBytes, type Node, type Port, type StoredModel } from '../file/model-proto';
import type { ObservedCodes, WrittenGraph } from '../graph/graph';
import { permutationBack } from '../graph/value';

/** How far the codes that a layer's input is rounded to are from those of the model. */
export interface ActivationComparison {
  readonly layer: string;
  readonly values: number;
  /** The share of codes that differ. */
  readonly differing: number;
  /** The largest difference of a code. */
  readonly largest: number;
}

/** The codes of a batch, by the path of the layer that they go into. */
export type BatchCodes = ReadonlyMap<string, Float32Array>;

/** Looks at the codes of activations in a model while it predicts, until `restore`. */
export function watchCodes(model: LayersModel): { read(): Promise<BatchCodes>; restore(): void } {
  const seen = new Map<string, tf.Tensor[]>();
  const found = activationQuantizers(model);
  for (const { path, quantizer } of found) {
    quantizer.apply = (x, training) => {
      const y = Object.getPrototypeOf(quantizer).apply.call(quantizer, x, training) as tf.Tensor;
      const codes = tf.keep(quantizer.codesOf(y));
      seen.set(path, [...(seen.get(path) ?? []), codes]);
      return y;
    };
  }
  return {
    async read() {
      const codes = new Map<string, Float32Array>();
      // Of a layer that is called several times nothing says which call is which in the file.
      for (const [path, [first, second]] of seen) if (!second) codes.set(path, (await first.data()) as Float32Array);
      tf.dispose([...seen.values()].flat());
      seen.clear();
      return codes;
    },
    restore() {
      tf.dispose([...seen.values()].flat());
      for (const { quantizer } of found) delete (quantizer as Partial<typeof quantizer>).apply;
    },
  };
}

/** A file that gives the codes of activations too, as outputs of the names given, by the paths of their layers. */
export function observedBytes(
  bytes: Uint8Array,
  stored: StoredModel,
  { observed }: WrittenGraph,
): { readonly bytes: Uint8Array; readonly outputs: ReadonlyMap<string, string> } {
  const quantize = new Map(stored.nodes.filter(({ op }) => op === 'QuantizeLinear').map((node) => [node.output, node]));
  const once = (codes: ObservedCodes) => observed.filter(({ path }) => path === codes.path).length === 1;
  const nodes: Node[] = [
    { op: 'Constant', inputs: [], output: 'codes:one', attributes: { value_float: { float: 1 } } },
  ];
  const ports: Port[] = [];
  const outputs = new Map<string, string>();
  for (const codes of observed.filter(once)) {
    const quantizer = quantize.get(codes.tensor);
    if (!quantizer) continue;
    const name = `codes:${codes.tensor}`;
    const numbers = codes.moved ? `${name}:moved` : name;
    // Where ONNX Runtime makes signed codes unsigned it changes the zero point too.
    const inputs = [codes.tensor, 'codes:one', ...(codes.several ? [] : [quantizer.inputs[2]])];
    nodes.push({ op: 'DequantizeLinear', inputs, output: numbers, attributes: {} });
    const perm = permutationBack(codes.rank);
    if (codes.moved) nodes.push({ op: 'Transpose', inputs: [numbers], output: name, attributes: { perm } });
    outputs.set(codes.path, name);
    if (ports.some((port) => port.name === name)) continue;
    ports.push({ name, type: FLOAT, shape: perm.map((_, axis) => `${name}:${axis}`) });
  }
  return { bytes: extendedBytes(bytes, { nodes: uniqueNodes(nodes), outputs: ports }), outputs };
}

/** Two layers may read the same codes. */
const uniqueNodes = (nodes: readonly Node[]): Node[] => [...new Map(nodes.map((node) => [node.output, node])).values()];

/** Takes in the codes of batch after batch. */
export function codeComparison() {
  const totals = new Map<string, { values: number; differing: number; largest: number }>();
  return {
    add(path: string, expected: Float32Array, found: Float32Array): void {
      const total = totals.get(path) ?? { values: 0, differing: 0, largest: 0 };
      totals.set(path, total);
      total.values += expected.length;
      for (let i = 0; i < expected.length; i++) {
        const difference = Math.abs(found[i] - expected[i]);
        if (difference !== 0) total.differing++;
        total.largest = Math.max(total.largest, difference);
      }
    },
    result: (): ActivationComparison[] =>
      [...totals].map(([layer, { values, differing, largest }]) => ({
        layer,
        values,
        differing: differing / values,
        largest,
      })),
  };
}
