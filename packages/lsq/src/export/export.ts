import { requireKnownOptions, requireOneOf, shown } from '@qgen/core';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { activationQuantizers } from '../model/activation-quantizers';
import { quantizedWeights } from '../model/quantized-weights';
import { requireModel } from '../model/require-model';
import { type FloatArtifacts, floatArtifacts } from './float-artifacts';
import { isPacked, packArtifacts, unpackArtifacts } from './packed-format';

export interface ExportOptions {
  /**
   * 'tfjs': the weight format that the stock `tf.loadLayersModel` reads, a byte a weight (two above 8 bits), per-tensor
   * steps only. 'packed': the codes without gaps, b bits a weight, and per-channel steps; read with `loadQuantized`.
   */
  readonly format: 'tfjs' | 'packed';
  /** Folds batch normalizations into the kernels before them, which makes steps per channel. Default false. */
  readonly foldBatchNorm?: boolean;
}

/**
 * The artifacts of a quantized model for shipping: a plain model with integer kernels, to hand to any handler
 * (`await handler.save(await exportQuantized(model, { format: 'tfjs' }))`). What is loaded from it predicts bit for bit
 * what `model` does on the same backend (a kernel's -0 alone becomes 0, as integers have no other); folding batch
 * normalizations changes the rounding of float32, not the codes.
 *
 * Where inputs of layers are quantized too, loading needs @qgen/lsq imported. `model` is left as it is; to go on
 * training later keep what `model.save` writes, as an export has neither latent weights nor optimizer.
 *
 * @throws RangeError if the model has no quantized kernels, has activations that have seen no data, holds NaN or an
 * infinity (naming the weight), has two weights of one name, or needs 'packed'; or if an option is unknown
 * @throws TypeError if `model` is no LayersModel
 */
export async function exportQuantized(model: LayersModel, options: ExportOptions): Promise<tf.io.ModelArtifacts> {
  const name = 'exportQuantized';
  requireModel(name, model);
  requireKnownOptions(name, options, ['format', 'foldBatchNorm']);
  const { format, foldBatchNorm = false } = options ?? {};
  requireOneOf(name, 'format', format, ['tfjs', 'packed']);
  if (typeof foldBatchNorm !== 'boolean')
    throw new TypeError(`${name}: foldBatchNorm must be true or false, got ${shown(foldBatchNorm)}`);
  const weights = quantizedWeights(model);
  if (weights.length === 0)
    throw new RangeError(`${name}: the model has no quantized kernels; pass it to quantizeModel first`);
  for (const { path, quantizer } of activationQuantizers(model))
    if (!(await quantizer.settled()))
      throw new RangeError(
        `${name}: the activations of layer ${path} have seen no data; train the model or call calibrate(model, xs)`,
      );
  const several = weights.find(({ axis }) => axis !== null);
  if (format === 'tfjs' && (several || foldBatchNorm))
    throw new RangeError(
      `${name}: the tfjs format has one step per kernel, ${
        several
          ? `but ${several.name} has one per ${several.viewShape.length === several.shape.length ? 'channel' : 'group'}`
          : 'but foldBatchNorm makes one per channel'
      }; use format 'packed'`,
    );
  const artifacts = await floatArtifacts(name, model, foldBatchNorm);
  return format === 'packed' ? packArtifacts(artifacts) : integerArtifacts(artifacts);
}

/**
 * A plain model from what `exportQuantized` wrote, in either format, its kernels fl(code · step) in float32.
 *
 * @param source a handler, or a URL as `tf.loadLayersModel` takes it
 * @throws TypeError if `source` is neither
 * @throws Error if it holds no model or no weights, or a packed file is truncated, damaged (by its checksum) or of another
 * version
 */
export async function loadQuantized(source: string | tf.io.IOHandler): Promise<LayersModel> {
  const name = 'loadQuantized';
  const handler = typeof source === 'string' && source !== '' ? handlerOf(source) : source;
  if (typeof handler === 'string' || typeof handler?.load !== 'function')
    throw new TypeError(`${name}: source must be a URL or a handler that can load, got ${shown(source)}`);
  const { getWeightStream, ...loaded } = (await handler.load()) ?? {};
  if (!loaded.modelTopology)
    throw new Error(`${name}: the source holds no model (no modelTopology); give it what exportQuantized wrote`);
  // A handler with the option streamWeights.
  const artifacts = getWeightStream ? { ...loaded, weightData: await buffersOf(getWeightStream()) } : loaded;
  if (isPacked(artifacts)) return loadLayersModel(tf.io.fromMemory(unpackArtifacts(artifacts)));
  if (!artifacts.weightData || !artifacts.weightSpecs)
    throw new Error(`${name}: the source holds a model without weights; give it what exportQuantized wrote`);
  return loadLayersModel(tf.io.fromMemory(artifacts));
}

function handlerOf(url: string): tf.io.IOHandler {
  const [handler] = tf.io.getLoadHandlers(url) as tf.io.IOHandler[];
  return handler ?? tf.io.http(url);
}

async function buffersOf(stream: ReadableStream<ArrayBuffer | Uint8Array>): Promise<ArrayBuffer[]> {
  const reader = stream.getReader();
  const buffers: ArrayBuffer[] = [];
  for (let part = await reader.read(); !part.done; part = await reader.read())
    // fetch gives views, which may lie in a larger buffer.
    buffers.push(part.value instanceof ArrayBuffer ? part.value : (part.value.slice().buffer as ArrayBuffer));
  return buffers;
}

/** Codes as unsigned integers with scale s and min qn·s, from which the stock loader computes exactly fl(code · s). */
function integerArtifacts({ artifacts, kernels }: FloatArtifacts): tf.io.ModelArtifacts {
  const data = tf.io.CompositeArrayBuffer.join(artifacts.weightData!);
  const parts: ArrayBuffer[] = [];
  let offset = 0;
  const weightSpecs = artifacts.weightSpecs.map((spec): tf.io.WeightsManifestEntry => {
    const end = offset + tf.util.bytesPerElement(spec.dtype as tf.DataType) * tf.util.sizeFromShape(spec.shape);
    const values = data.slice(offset, end);
    offset = end;
    const kernel = kernels.get(spec.name);
    if (!kernel) {
      parts.push(values);
      return spec;
    }
    const { bits, qn, codes, step } = kernel;
    const raised = codes.map((code) => code - qn);
    parts.push((bits <= 8 ? Uint8Array.from(raised) : Uint16Array.from(raised)).buffer);
    const [scale] = step as unknown as [number];
    return { ...spec, quantization: { dtype: bits <= 8 ? 'uint8' : 'uint16', scale, min: qn * scale } };
  });
  return { ...artifacts, weightSpecs, weightData: tf.io.concatenateArrayBuffers(parts) };
}
