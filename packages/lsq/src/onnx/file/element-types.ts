import { packCodes } from '../../export/bit-packing';

/** A type of ONNX for the elements of a tensor, with its number in the file format (onnx.proto, TensorProto.DataType). */
export interface ElementType {
  readonly name: string;
  readonly number: number;
}

export const FLOAT: ElementType = { name: 'FLOAT', number: 1 };
export const INT32: ElementType = { name: 'INT32', number: 6 };
export const INT64: ElementType = { name: 'INT64', number: 7 };

/** An integer type that codes are stored in, and the first opset whose QuantizeLinear and DequantizeLinear take it. */
export interface CodeType extends ElementType {
  readonly bits: number;
  readonly signed: boolean;
  readonly opset: number;
}

/** From narrow to wide. */
const CODE_TYPES: readonly CodeType[] = [
  { name: 'UINT2', number: 25, bits: 2, signed: false, opset: 25 },
  { name: 'INT2', number: 26, bits: 2, signed: true, opset: 25 },
  { name: 'UINT4', number: 21, bits: 4, signed: false, opset: 21 },
  { name: 'INT4', number: 22, bits: 4, signed: true, opset: 21 },
  { name: 'UINT8', number: 2, bits: 8, signed: false, opset: 13 },
  { name: 'INT8', number: 3, bits: 8, signed: true, opset: 13 },
  { name: 'UINT16', number: 4, bits: 16, signed: false, opset: 21 },
  { name: 'INT16', number: 5, bits: 16, signed: true, opset: 21 },
];

/** The element types of codes. */
export type CodesOf = 'kernel' | 'activations';

/**
 * The narrowest type of an opset that holds codes of a width, or undefined. Codes of activations are never packed, and
 * ONNX Runtime has few operators that take narrow ones, so that they have 8 bits at least.
 */
export const codeType = (codes: CodesOf, { bits, signed }: Codes, opset: number): CodeType | undefined =>
  CODE_TYPES.find(
    (type) =>
      type.bits >= (codes === 'kernel' ? bits : Math.max(bits, 8)) && type.signed === signed && type.opset <= opset,
  );

interface Codes {
  readonly bits: number;
  readonly signed: boolean;
}

/**
 * Codes as a file of ONNX stores them: in two's complement, in elements of the type's width without gaps, the first in the
 * lowest bits.
 */
export function codeBytes(codes: ArrayLike<number>, { bits }: CodeType): Uint8Array {
  const mask = 2 ** bits - 1;
  return packCodes(
    Array.from(codes, (code) => code & mask),
    bits,
    0,
  );
}
