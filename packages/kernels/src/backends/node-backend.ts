import type * as tf from '@tensorflow/tfjs-core';

/** An operation of TensorFlow's that has run: a handle on its result. */
interface Metadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** An attribute of an operation, by the name that TensorFlow's registry gives it. */
interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean;
}

/** What kernels need of the backend of tfjs-node and tfjs-node-gpu, written down so that it stays an optional peer. */
export interface NodeBackend {
  readonly binding: {
    readonly TF_ATTR_TYPE: number;
    readonly TF_FLOAT: number;
    readonly TF_INT32: number;
    createTensor(shape: readonly number[], dtype: number, values: Int32Array): number;
    deleteTensor(id: number): void;
    executeOp(name: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number): Metadata[];
    tensorDataSync(id: number): Int32Array;
  };
  createOutputTensor(metadata: Metadata): tf.Tensor;
  executeSingleOutput(name: string, attributes: readonly Attribute[], inputs: readonly tf.Tensor[]): tf.Tensor;
}

/** Its name among tfjs's backends. */
export const NODE_BACKEND = 'tensorflow';
