import { readSafetensors, writeSafetensors } from '@qgen/models';
import { describe, expect, it } from 'vitest';

/** A file from the text of its header, or what JSON makes of it, and its data. */
function file(header: unknown, data: readonly number[] | Uint8Array = [], length?: bigint): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const bits = (values: Float32Array) => [...new Uint32Array(values.buffer)].map((word) => word.toString(16));
const read = (dtype: string, data: readonly number[], shape: readonly number[]) =>
  readSafetensors(file({ a: { dtype, shape, data_offsets: [0, data.length] } }, data)).get('a')!;

describe('readSafetensors', () => {
  it('reads a file written by hand', () => {
    // 1.5 is 3fc00000 and -2 is c0000000 in float32, the lowest byte first.
    const header = {
      __metadata__: { format: 'pt' },
      b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
      a: { dtype: 'F32', shape: [], data_offsets: [0, 4] },
    };
    const tensors = readSafetensors(file(header, [0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0]));
    expect([...tensors.keys()]).toEqual(['b', 'a']);
    expect(tensors.get('a')).toMatchObject({ dtype: 'F32', shape: [] });
    expect([...tensors.get('a')!.values()]).toEqual([1.5]);
    expect(tensors.get('b')!.shape).toEqual([1]);
    expect([...tensors.get('b')!.values()]).toEqual([-2]);
  });

  it('reads a file that starts anywhere in a buffer, also in one of Node', () => {
    const inner = file({ a: { dtype: 'F64', shape: [1], data_offsets: [0, 8] } }, [0, 0, 0, 0, 0, 0, 0xf8, 0x3f]);
    const outer = Buffer.alloc(inner.length + 3);
    outer.set(inner, 3);
    expect([...readSafetensors(outer.subarray(3)).get('a')!.values()]).toEqual([1.5]);
  });

  it('makes float32 of half precision, bit for bit', () => {
    // 1, -2, the largest 65504, the smallest normal 2^-14, the largest subnormal 1023 2^-24, the smallest 2^-24, ±0, ±∞, NaN
    const halves = [0x3c00, 0xc000, 0x7bff, 0x0400, 0x03ff, 0x0001, 0x0000, 0x8000, 0x7c00, 0xfc00, 0x7e01];
    const values = read(
      'F16',
      halves.flatMap((half) => [half & 255, half >> 8]),
      [halves.length],
    ).values();
    expect([...values.slice(0, 10)]).toEqual([
      ...[1, -2, 65504, 2 ** -14, 1023 * 2 ** -24, 2 ** -24, 0, -0],
      ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ]);
    expect(bits(values.slice(10))).toEqual(['7fc02000']);
  });

  it('makes float32 of all 65,536 halves as the definition says', () => {
    const words = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const values = read('F16', [...new Uint8Array(words.buffer)], [65536]).values();
    for (let half = 0; half < 65536; half++) {
      const sign = half >> 15 ? -1 : 1;
      const exponent = (half >> 10) & 31;
      const fraction = half & 1023;
      // (1 + f / 1024) 2^(e - 15), and f / 1024 2^-14 where e is 0.
      const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
      const special = fraction ? Number.NaN : Number.POSITIVE_INFINITY;
      const expected = sign * (exponent === 31 ? special : magnitude);
      if (!Object.is(values[half], expected)) expect([half, values[half]]).toEqual([half, expected]);
    }
  });

  it('makes float32 of bfloat16, which is its upper half', () => {
    // 1, -3.140625, the smallest subnormal, -0, ∞, NaN
    const words = [0x3f80, 0xc049, 0x0001, 0x8000, 0x7f80, 0x7fc1];
    const values = read(
      'BF16',
      words.flatMap((word) => [word & 255, word >> 8]),
      [2, 3],
    ).values();
    expect(bits(values)).toEqual(['3f800000', 'c0490000', '10000', '80000000', '7f800000', '7fc10000']);
  });

  it('rounds float64 to float32', () => {
    const doubles = new Float64Array([0.1, 1e300, 2 ** -150, -1 / 3]);
    const values = read('F64', [...new Uint8Array(doubles.buffer)], [4]).values();
    expect([...values]).toEqual([Math.fround(0.1), Number.POSITIVE_INFINITY, 0, Math.fround(-1 / 3)]);
  });

  it('lists integers and refuses their values', () => {
    const counter = read('I64', [1, 0, 0, 0, 0, 0, 0, 0], []);
    expect(counter).toMatchObject({ dtype: 'I64', shape: [] });
    expect(() => counter.values()).toThrow(
      new RangeError('readSafetensors: tensor "a" is I64, which is no float; leave it out'),
    );
  });

  it('reads tensors without elements, and a file without tensors', () => {
    const empty = { dtype: 'F32', shape: [0, 3], data_offsets: [0, 0] };
    expect([...readSafetensors(file({ empty })).get('empty')!.values()]).toEqual([]);
    expect(readSafetensors(file({})).size).toBe(0);
  });

  it('takes any name, also those that objects have already', () => {
    const tensor = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}';
    const names = ['__proto__', 'constructor', 'toString', '', 'ä"\\'];
    const text = `{${names.map((name) => `${JSON.stringify(name)}:${tensor}`).join(',')}}`;
    expect([...readSafetensors(file(text)).keys()]).toEqual(names);
  });

  const one = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
  const four = [0, 0, 0, 0];
  it.each([
    ['seven bytes', new Uint8Array(7), 'starts with 8 bytes of length, got 7'],
    ['a header longer than the file', file({}, [], 1000n), 'has 1000 bytes and the file 10'],
    [
      'a header longer than any',
      file({}, [], 2n ** 64n - 1n),
      'may have 100000000 bytes, this file says 18446744073709551615',
    ],
    ['a header that is no text', file('\u0000', [], 1n), 'is no JSON'],
    ['a header that is no UTF-8', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x22, 0xff), 'is no JSON'],
    ['a header with a byte order mark', file('\ufeff{}'), 'is no JSON'],
    ['an array for a header', file([]), 'must be a JSON object'],
    ['null for a header', file('null'), 'must be a JSON object'],
    ['a key twice', file(`{"a":${JSON.stringify(one)},"a":${JSON.stringify(one)}}`, four), 'has the key "a" twice'],
    ['a key twice in other letters', file(`{"a":${JSON.stringify(one)},"\\u0061":0}`, four), 'has the key "a" twice'],
    [
      'a field twice',
      file('{"a":{"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,4]}}', four),
      '"shape" twice',
    ],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }), '__metadata__ must be an object of strings'],
    ['a tensor that is no object', file({ a: 1 }), 'tensor "a" must be an object'],
    ['an unknown dtype', file({ a: { ...one, dtype: 'F31' } }, four), 'tensor "a" has dtype "F31"; known are BOOL'],
    ['a dtype that every object has', file({ a: { ...one, dtype: 'toString' } }, four), 'has dtype "toString"'],
    ['no shape', file({ a: { dtype: 'F32', data_offsets: [0, 4] } }, four), 'has shape undefined'],
    ['a negative size', file({ a: { ...one, shape: [-1] } }, four), 'has shape [-1]'],
    ['half a size', file({ a: { ...one, shape: [0.5] } }, four), 'has shape [0.5]'],
    [
      'sizes that overflow',
      file({ a: { ...one, shape: [2 ** 30, 2 ** 30, 0] } }, four),
      'more elements than can be counted',
    ],
    ['one offset', file({ a: { ...one, data_offsets: [0] } }, four), 'must be two positions'],
    ['offsets that run backwards', file({ a: { ...one, data_offsets: [4, 0] } }, four), 'has 4 bytes by dtype F32'],
    ['offsets that are too short', file({ a: { ...one, data_offsets: [0, 2] } }, four), 'has 4 bytes by dtype F32'],
    ['data that is cut off', file({ a: one }, [0, 0, 0]), 'have 4 bytes and the file holds 3'],
    ['data that no tensor has', file({ a: one }, [0, 0, 0, 0, 0]), 'have 4 bytes and the file holds 5'],
    ['tensors that overlap', file({ a: one, b: one }, four), 'tensor "b" begins at 0 where the one before ends at 4'],
    ['a hole', file({ a: one, b: { ...one, data_offsets: [5, 9] } }, [...four, 0, ...four]), 'tensor "b" begins at 5'],
    [
      'a beginning that no tensor has',
      file({ a: { ...one, data_offsets: [4, 8] } }, [...four, ...four]),
      'begins at 4',
    ],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(RangeError);
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  it('refuses what is no Uint8Array', () => {
    expect(() => readSafetensors('model.safetensors' as never)).toThrow(
      new TypeError('readSafetensors: bytes must be the Uint8Array of a file, got string'),
    );
  });

  it('gives consistent tensors or a RangeError for 20,000 damaged files', () => {
    const tensors = new Map(
      ['conv1.weight', 'bn1.bias', 'ä', ''].map((name, i) => [
        name,
        { shape: [i, 2], values: new Float32Array(2 * i) },
      ]),
    );
    const good = writeSafetensors(tensors);
    let state = 1;
    // xorshift32 (Marsaglia 2003)
    const below = (n: number) => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) % n;
    };
    const text = [...'0123456789"{}[]:,-.eE\\u'].map((letter) => letter.charCodeAt(0));
    let read = 0;
    for (let round = 0; round < 20_000; round++) {
      let bytes: Uint8Array = Uint8Array.from(good);
      for (let times = 1 + below(4); times > 0; times--) {
        const at = below(bytes.length);
        const kind = below(5);
        if (kind === 0) bytes[at] = below(256);
        else if (kind === 1) bytes[at] = text[below(text.length)]!;
        else if (kind === 2) bytes = bytes.slice(0, at + 1);
        else if (kind === 3) bytes = Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(at + 1 + below(9))]);
        else bytes = Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(below(at + 1), at), ...bytes.slice(at)]);
        if (bytes.length === 0) bytes = new Uint8Array(1);
      }
      try {
        for (const { shape, dtype, values } of readSafetensors(bytes).values()) {
          if (!/^(F16|BF16|F32|F64)$/.test(dtype)) continue;
          if (values().length !== shape.reduce((a, b) => a * b, 1)) throw new Error(`round ${round}: ${shape}`);
        }
        read++;
      } catch (error) {
        if (!(error instanceof RangeError && error.message.startsWith('readSafetensors: '))) throw error;
      }
    }
    // Damage to the data, or to a name, is none to the format.
    expect(read).toBeGreaterThan(200);
    expect(read).toBeLessThan(15_000);
  });
});

describe('writeSafetensors', () => {
  it('writes what readSafetensors reads, bit for bit and in order', () => {
    const values = new Float32Array([1, -0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** -149, 1 / 3]);
    const bytes = writeSafetensors(
      new Map([
        ['z', { shape: [2, 3], values }],
        ['a', { shape: [], values: () => new Float32Array([7]) }],
        ['empty', { shape: [0], values: new Float32Array(0) }],
      ]),
    );
    const back = readSafetensors(bytes);
    expect([...back.keys()]).toEqual(['z', 'a', 'empty']);
    expect(back.get('z')!.shape).toEqual([2, 3]);
    expect(bits(back.get('z')!.values())).toEqual(bits(values));
    expect([...back.get('a')!.values()]).toEqual([7]);
    expect(writeSafetensors(new Map(back))).toEqual(bytes);
  });

  it('begins the data at a multiple of 8 bytes and says that it is for PyTorch', () => {
    const bytes = writeSafetensors(new Map([['abc', { shape: [1], values: new Float32Array([1]) }]]));
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    expect(header).toEqual({
      __metadata__: { format: 'pt' },
      abc: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
    });
    expect(bytes.length).toBe(8 + length + 4);
  });

  it('refuses values that do not fill their shape, the reserved name, and what is no Map', () => {
    const wrong = { shape: [2, 2], values: new Float32Array(3) };
    expect(() => writeSafetensors(new Map([['a', wrong]]))).toThrow(
      new RangeError(
        'writeSafetensors: tensor a of shape [2,2] needs a Float32Array of 4 values, got 3 in a Float32Array',
      ),
    );
    const right = { shape: [1], values: new Float32Array(1) };
    expect(() => writeSafetensors(new Map([['__metadata__', right]]))).toThrow(RangeError);
    expect(() => writeSafetensors({ a: right } as never)).toThrow(TypeError);
  });

  it('writes a tensor called __proto__', () => {
    const bytes = writeSafetensors(new Map([['__proto__', { shape: [1], values: new Float32Array([3]) }]]));
    expect([...readSafetensors(bytes).get('__proto__')!.values()]).toEqual([3]);
  });
});
