import {
  type LongWork,
  requireCounts,
  requireKnownOptions,
  requireLongWork,
  shown,
  startWork,
  type UnlabelledData,
} from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { openInputs } from '../../model/open-inputs';
import { requireModel } from '../../model/require-model';
import { graphOf, requireExportable } from '../export-onnx';
import { readModel, type StoredModel } from '../file/model-proto';
import { sessionOptions as defaultSessionOptions } from '../session-options';
import { type ActivationComparison, codeComparison, observedBytes, watchCodes } from './activation-codes';
import { compareKernels, type KernelComparison, requireSameModel } from './compare-kernels';
import { type OutputComparison, outputComparison } from './compare-outputs';
import { type OnnxRuntime, outputsOf, startSession } from './runtime';

/** How far `verifyOnnx` is: examples seen, of all, whose number a dataset or an iterable does not tell. */
export interface VerifyProgress {
  readonly done: number;
  readonly total: number | null;
}

export interface VerifyOptions extends LongWork<VerifyProgress> {
  /** The file, as `exportOnnx` gave it. */
  readonly bytes: Uint8Array;
  /** ONNX Runtime: `import * as ort from 'onnxruntime-web'`, or `onnxruntime-node`. */
  readonly ort: OnnxRuntime;
  /** For `InferenceSession.create`. Default those that `exportOnnx` gives; with others their differences are measured. */
  readonly sessionOptions?: object;
  /** Examples per batch. Default 32. Those of a dataset or an iterable are taken as they come. */
  readonly batchSize?: number;
}

/** The outputs of a file compared with those of the model. */
export interface OnnxReport {
  readonly examples: number;
  readonly outputs: readonly OutputComparison[];
  readonly kernels: KernelComparison;
  /** For every layer whose input is quantized and that is called once. */
  readonly activations: readonly ActivationComparison[];
}

/**
 * Runs a model in tfjs and the file made of it in ONNX Runtime, on the same examples, and says how far they are apart:
 * outputs, top-1, the codes of kernels in the file, and the codes that activations are rounded to.
 *
 * Without quantized activations the differences are those of float32 arithmetic, about 1e-6 of the largest output. With
 * them a sum that lies between two codes may fall to either side: a few codes in ten thousand differ by 1, and what follows
 * from these in the outputs. Differences of 1e-3 and more of the largest output without quantized activations mean that
 * ONNX Runtime rounds what the model does not; see `sessionOptions` of `exportOnnx`.
 *
 * @param xs examples in any form of `UnlabelledData`; for a model of several inputs an array with one tensor each
 * @throws RangeError if `bytes` are no file of ONNX or hold another model, there are no examples or their shape is not the
 * model's, a layer has no translation, or an option is unknown
 * @throws Error if the runtime refuses the file, saying which version it has
 * @throws TypeError if `model` is no LayersModel, `xs` has none of these forms, or `bytes` or `ort` are missing
 * @throws the signal's reason when aborted
 */
export async function verifyOnnx(
  model: LayersModel,
  xs: UnlabelledData | readonly tf.Tensor[],
  options: VerifyOptions,
): Promise<OnnxReport> {
  const name = 'verifyOnnx';
  requireModel(name, model);
  requireKnownOptions(name, options, ['bytes', 'ort', 'sessionOptions', 'batchSize', 'signal', 'onProgress']);
  const { bytes, ort, batchSize = 32 } = options ?? {};
  if (!(bytes instanceof Uint8Array))
    throw new TypeError(`${name}: bytes must be the Uint8Array that exportOnnx gave, got ${shown(bytes)}`);
  if (typeof ort?.InferenceSession?.create !== 'function')
    throw new TypeError(`${name}: ort must be the module onnxruntime-web or onnxruntime-node, got ${shown(ort)}`);
  requireCounts(name, { batchSize });
  requireLongWork(name, options);
  await requireExportable(name, model);
  const stored = readFile(name, bytes);
  const expected = await graphOf(name, model, stored.opset);
  requireSameModel(name, expected, stored);
  const { size: total = null, batches } = await openInputs(name, model, xs);

  const { sessionOptions = defaultSessionOptions(expected) } = options;
  const observed = observedBytes(bytes, stored, expected);
  const start = (file: Uint8Array) => startSession(name, { ort, bytes: file, stored, options: sessionOptions });
  const session = await start(bytes);
  // Another session, so that what is looked at changes nothing in what is verified.
  const watching = observed.outputs.size > 0 ? await start(observed.bytes) : null;
  const watch = watchCodes(model);
  const work = startWork(options);
  const outputs = expected.outputs.map((port) => outputComparison(port.name));
  const codes = codeComparison();
  let done = 0;
  try {
    for await (const { inputs, size } of batches(batchSize)) {
      await work.checkpoint(() => ({ done, total }));
      const predicted = await predictions(model, inputs, size);
      const found = await outputsOf({ ort, session }, expected.inputs, inputs);
      for (const [index, { values, columns }] of predicted.entries())
        outputs[index].add(values, found.get(stored.outputs[index])!, columns);
      const expectedCodes = await watch.read();
      const foundCodes = watching && (await outputsOf({ ort, session: watching }, expected.inputs, inputs));
      for (const [path, output] of observed.outputs) {
        const own = expectedCodes.get(path);
        if (own && foundCodes) codes.add(path, own, foundCodes.get(output)!);
      }
      done += size;
    }
    await work.checkpoint();
    work.report({ done, total });
    return {
      examples: done,
      outputs: outputs.map((each) => each.result()),
      kernels: compareKernels(expected, stored),
      activations: codes.result(),
    };
  } finally {
    watch.restore();
    await session.release?.();
    await watching?.release?.();
  }
}

/** The outputs of a model for a batch, with the length of their rows. */
async function predictions(model: LayersModel, inputs: tf.Tensor[], batchSize: number) {
  const predicted = tf.tidy(() => model.predict(inputs.length === 1 ? inputs[0] : inputs, { batchSize }));
  const read = [predicted].flat().map(async (output) => ({
    values: (await output.data()) as Float32Array,
    columns: output.shape.at(-1)!,
  }));
  const outputs = await Promise.all(read);
  tf.dispose(predicted);
  return outputs;
}

function readFile(caller: string, bytes: Uint8Array): StoredModel {
  try {
    return readModel(bytes);
  } catch (error) {
    throw new RangeError(
      `${caller}: bytes are no file of ONNX (${(error as Error).message}); give it the bytes that exportOnnx gave`,
    );
  }
}
