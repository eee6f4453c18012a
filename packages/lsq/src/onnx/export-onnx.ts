import { requireKnownOptions, shown } from '@qgen/core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { withShippedModel } from '../export/shipped-model';
import { activationQuantizers } from '../model/activation-quantizers';
import { quantizedWeights } from '../model/quantized-weights';
import { requireModel } from '../model/require-model';
import { codeType } from './file/element-types';
import { modelBytes } from './file/model-proto';
import type { WrittenGraph } from './graph/graph';
import { type SessionOptions, sessionOptions } from './session-options';
import { requireTranslations, translateModel } from './translate-model';

export interface OnnxOptions {
  /**
   * The version of the operators, which the runtime must know; an integer from 17 to 25. Codes are stored in the narrowest
   * type that it has: 8 bits from 17 on, 4 and 16 from 21, 2 from 25. Default the lowest of these for the codes at hand.
   */
  readonly opset?: number;
}

export interface OnnxModel {
  /** The file. The same model gives the same bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** For `InferenceSession.create`: what keeps ONNX Runtime from rounding where the model does not. */
  readonly sessionOptions: SessionOptions;
}

/** LayerNormalization came with 17; ONNX Runtime promises 25 since 1.30. */
const OPSETS = { lowest: 17, highest: 25 } as const;

/**
 * A model as a file of ONNX, for ONNX Runtime and what else reads it. Inputs and outputs keep the model's names and shapes,
 * channels last; the batch is open.
 *
 * Quantized kernels are stored as their codes, each with a DequantizeLinear of the steps (per tensor or per filter): 2 bits
 * as INT2, 3 and 4 as INT4, 5 to 8 as INT8, more as INT16. Quantized activations are QuantizeLinear and DequantizeLinear of
 * 8 or 16 bits, unsigned or not, with a Sub and an Add of the offset around them and a Clip before where they are narrower.
 * Batch normalizations are folded into the kernels before them: the codes stay, the steps become one per filter.
 *
 * The file computes what `model.predict` does, up to the rounding of float32: `verifyOnnx` says how far. Use the
 * `sessionOptions` that come with it. `model` is left as it is; float models are exported too.
 *
 * @throws RangeError, before anything is written, if a layer has no translation (naming it), activations have seen no data,
 * a weight is NaN or infinite, `opset` is not one or has no type for the codes, or an option is unknown
 * @throws TypeError if `model` is no LayersModel
 */
export async function exportOnnx(model: LayersModel, options: OnnxOptions = {}): Promise<OnnxModel> {
  const name = 'exportOnnx';
  requireModel(name, model);
  requireKnownOptions(name, options, ['opset']);
  await requireExportable(name, model);
  const opset = opsetFor(name, model, options.opset);
  const graph = await graphOf(name, model, opset);
  return { bytes: modelBytes(graph, opset), sessionOptions: sessionOptions(graph) };
}

/** Throws a RangeError unless every layer of a model has a translation and every quantizer of activations a step. */
export async function requireExportable(caller: string, model: LayersModel): Promise<void> {
  requireTranslations(caller, model);
  for (const { path, quantizer } of activationQuantizers(model)) {
    const { steps, axis } = await quantizer.values();
    const unset = steps.indexOf(0);
    if (unset < 0) continue;
    const where = axis === null ? '' : `, at index ${unset} of axis ${axis},`;
    throw new RangeError(
      `${caller}: the activations of layer ${path}${where} have seen no data; train the model or call calibrate(model, xs)`,
    );
  }
}

/** The graph that a model is exported as. */
export function graphOf(caller: string, model: LayersModel, opset: number): Promise<WrittenGraph> {
  return withShippedModel(caller, model, true, (shipped, kernels) => translateModel(caller, shipped, kernels, opset));
}

function opsetFor(caller: string, model: LayersModel, given: number | undefined): number {
  const { lowest, highest } = OPSETS;
  if (given !== undefined && (!Number.isInteger(given) || given < lowest || given > highest))
    throw new RangeError(`${caller}: opset must be an integer from ${lowest} to ${highest}, got ${shown(given)}`);
  const codes = [
    ...quantizedWeights(model).map(({ bits, layer }) => ({
      ...({ codes: 'kernel', bits, signed: true } as const),
      of: `the kernels of layer ${layer}`,
    })),
    ...activationQuantizers(model).map(({ path, quantizer: { settings } }) => ({
      ...({ codes: 'activations', bits: settings.bits, signed: settings.signed } as const),
      of: `the activations of layer ${path}`,
    })),
  ];
  const narrowest = codes.map((each) => codeType(each.codes, each, highest)!);
  const opset = given ?? Math.max(lowest, ...narrowest.map((type) => type.opset));
  for (const [index, each] of codes.entries())
    if (!codeType(each.codes, each, opset))
      throw new RangeError(
        `${caller}: opset ${opset} has no type for the ${each.bits}-bit codes of ${each.of}; ${narrowest[index].name} came with opset ${narrowest[index].opset}`,
      );
  return opset;
}
