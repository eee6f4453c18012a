import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type TensorProto, TensorProto_DataType } from 'onnx-buf';

/** A file of ONNX as a library of others reads it. */
export const readOnnx = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes);

type Model = ReturnType<typeof readOnnx>;

export const tensorOf = (model: Model, name: string): TensorProto | undefined =>
  model.graph!.initializer.find((tensor) => tensor.name === name);

const WIDTHS: Readonly<Record<number, number>> = {
  [TensorProto_DataType.INT2]: 2,
  [TensorProto_DataType.INT4]: 4,
  [TensorProto_DataType.INT8]: 8,
  [TensorProto_DataType.INT16]: 16,
};

/** The codes of a tensor, unpacked as the format says (onnx.proto, TensorProto.raw_data): the first in the lowest bits. */
export function codesIn({ dataType, rawData, dims }: TensorProto): number[] {
  const width = WIDTHS[dataType]!;
  const count = dims.reduce((product, size) => product * Number(size), 1);
  return Array.from({ length: count }, (_, i) => {
    let code = 0;
    for (let bit = 0; bit < width; bit++) {
      const at = i * width + bit;
      code += ((rawData[at >> 3]! >> (at & 7)) & 1) * 2 ** bit;
    }
    return code >= 2 ** (width - 1) ? code - 2 ** width : code;
  });
}

export const floatsIn = ({ rawData }: TensorProto): number[] => [...new Float32Array(rawData.slice().buffer)];
