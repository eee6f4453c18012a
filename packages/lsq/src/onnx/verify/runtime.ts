import type * as tf from '@tensorflow/tfjs-core';
import { INT32 } from '../file/element-types';
import type { Port, StoredModel } from '../file/model-proto';

/** The part of ONNX Runtime that is used: the module `onnxruntime-web` or `onnxruntime-node`. */
export interface OnnxRuntime {
  readonly InferenceSession: { create(bytes: Uint8Array, options?: object): Promise<OnnxSession> };
  readonly Tensor: new (type: 'float32' | 'int32', data: never, dims: readonly number[]) => object;
}

/** A session of it. */
export interface OnnxSession {
  run(feeds: Readonly<Record<string, never>>): Promise<Readonly<Record<string, { readonly data: unknown }>>>;
  release?(): Promise<void>;
}

/**
 * A session for a file. Throws an Error that says which version is needed if the runtime refuses it.
 *
 * @param options copied, as onnxruntime-web writes into what it is given
 */
export async function startSession(
  caller: string,
  {
    ort,
    bytes,
    stored,
    options,
  }: {
    readonly ort: OnnxRuntime;
    readonly bytes: Uint8Array;
    readonly stored: StoredModel;
    readonly options: object;
  },
): Promise<OnnxSession> {
  try {
    return await ort.InferenceSession.create(bytes, structuredClone(options));
  } catch (error) {
    const { opset, irVersion } = stored;
    const lower = opset > 17 ? `, or export with a lower opset than ${opset}: exportOnnx(model, { opset: 17 })` : '';
    throw new Error(
      `${caller}: the runtime refuses the file, which has opset ${opset} in format version ${irVersion}: ${messageOf(error)}; take a newer ONNX Runtime (1.30 reads opset 25)${lower}`,
      { cause: error },
    );
  }
}

/** The outputs of a session for a batch. */
export async function outputsOf(
  { ort, session }: { readonly ort: OnnxRuntime; readonly session: OnnxSession },
  ports: readonly Port[],
  inputs: readonly tf.Tensor[],
): Promise<ReadonlyMap<string, Float32Array>> {
  const feeds: Record<string, never> = {};
  for (const [index, input] of inputs.entries()) {
    const { name, type } = ports[index];
    const data = await input.data();
    // tfjs takes either type for either, as the integers of an image; ONNX Runtime takes what the file says.
    feeds[name] = (
      type === INT32
        ? new ort.Tensor('int32', Int32Array.from(data) as never, input.shape)
        : new ort.Tensor('float32', Float32Array.from(data) as never, input.shape)
    ) as never;
  }
  const results = await session.run(feeds);
  return new Map(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).trim();
