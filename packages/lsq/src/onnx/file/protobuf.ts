/**
 * A message in the wire format of Protocol Buffers (protobuf.dev/programming-guides/encoding): its bytes in parts, so that
 * large ones are copied once, when the outermost message is put together.
 */
export interface Message {
  readonly length: number;
  readonly parts: readonly Uint8Array[];
}

/** The types of the wire: a variable-length integer, 8 bytes, bytes with their length before them, 4 bytes. */
const WIRE = { integer: 0, eight: 1, bytes: 2, four: 5 } as const;

/** A message of the given fields, in their order; absent ones are left out. */
export function message(...fields: readonly (Message | undefined)[]): Message {
  const given = fields.filter((field) => field !== undefined);
  return { length: given.reduce((sum, { length }) => sum + length, 0), parts: given.flatMap(({ parts }) => parts) };
}

/** An integer of up to 64 bits in two's complement, or a boolean or a value of an enumeration. */
export const integerField = (number: number, value: number): Message =>
  part([...varint(8 * number + WIRE.integer), ...varint(value)]);

/** Several integers, packed into one field. */
export const integersField = (number: number, values: readonly number[]): Message =>
  bytesField(number, Uint8Array.from(values.flatMap(varint)));

/** A number of float32. */
export const floatField = (number: number, value: number): Message =>
  message(part(varint(8 * number + WIRE.four)), part(new Uint8Array(Float32Array.of(value).buffer)));

/** A string, bytes or a message. */
export function bytesField(number: number, value: string | Uint8Array | Message): Message {
  const content =
    typeof value === 'string' ? part(new TextEncoder().encode(value)) : 'parts' in value ? value : part(value);
  return message(part([...varint(8 * number + WIRE.bytes), ...varint(content.length)]), content);
}

/** The bytes of a message. */
export function encoded({ length, parts }: Message): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const each of parts) {
    whole.set(each, offset);
    offset += each.length;
  }
  return whole;
}

function part(bytes: Uint8Array | readonly number[]): Message {
  const whole = bytes instanceof Uint8Array ? bytes : Uint8Array.from(bytes);
  return { length: whole.length, parts: [whole] };
}

/** Seven bits a byte, the lowest first; the highest bit of a byte says that another follows. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

/** The fields of a message as they were read: numbers for integers, bytes for everything else. */
export interface Fields {
  /** The integer of a field; 0 if it is absent. */
  integer(number: number): number;
  /** The integers of a repeated field, packed or not. */
  integers(number: number): readonly number[];
  /** The bytes of a field; none if it is absent. */
  bytes(number: number): Uint8Array;
  text(number: number): string;
  /** The strings of a repeated field. */
  texts(number: number): readonly string[];
  /** The messages of a repeated field. */
  messages(number: number): readonly Fields[];
}

/** Reads a message. Throws a RangeError if the bytes are no message. */
export function decoded(bytes: Uint8Array): Fields {
  const found = new Map<number, (number | Uint8Array)[]>();
  const reader = readerOf(bytes);
  while (!reader.done()) {
    const tag = reader.varint();
    const values = found.get(tag >>> 3) ?? [];
    found.set(tag >>> 3, values);
    if ((tag & 7) === WIRE.integer) values.push(reader.varint());
    else if ((tag & 7) === WIRE.bytes) values.push(reader.take(reader.varint()));
    else if ((tag & 7) === WIRE.four) values.push(reader.take(4));
    else if ((tag & 7) === WIRE.eight) values.push(reader.take(8));
    else throw new RangeError(`there is no wire type ${tag & 7}`);
  }
  const all = (number: number) => found.get(number) ?? [];
  const whole = (number: number) => all(number).filter((value) => value instanceof Uint8Array);
  const lastBytes = (number: number) => whole(number).at(-1) ?? new Uint8Array(0);
  return {
    integer: (number) => all(number).findLast((value) => typeof value === 'number') ?? 0,
    integers: (number) =>
      all(number).flatMap((value) => (typeof value === 'number' ? value : integersOf(readerOf(value)))),
    bytes: lastBytes,
    text: (number) => new TextDecoder().decode(lastBytes(number)),
    texts: (number) => whole(number).map((bytes) => new TextDecoder().decode(bytes)),
    messages: (number) => whole(number).map(decoded),
  };
}

type Reader = ReturnType<typeof readerOf>;

function readerOf(bytes: Uint8Array) {
  let at = 0;
  return {
    done: () => at >= bytes.length,
    take(length: number): Uint8Array {
      if (length < 0 || at + length > bytes.length) throw new RangeError('the bytes end within a field');
      at += length;
      return bytes.subarray(at - length, at);
    },
    varint(): number {
      let value = 0n;
      for (let shift = 0n; shift < 70n; shift += 7n) {
        if (at >= bytes.length) throw new RangeError('the bytes end within a field');
        const byte = bytes[at++];
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return Number(BigInt.asIntN(64, value));
      }
      throw new RangeError('an integer is longer than 64 bits');
    },
  };
}

function integersOf(reader: Reader): number[] {
  const values: number[] = [];
  while (!reader.done()) values.push(reader.varint());
  return values;
}
