import { readPth } from '@qgen/models';
import { describe, expect, it } from 'vitest';
import { dictionary, floats, newFile, oldFile, op, parameter, pickle, tensor, tuple, zip } from './torch-files';

const two = { key: '0', size: 2, shape: [2], strides: [1] } as const;
/** A new file of one tensor `a` of two numbers, 1.5 and -2, and what is done to its contents. */
const file = (contents: readonly number[] = dictionary({ a: tensor(two) })) =>
  newFile(contents, [['0', floats(1.5, -2)]]);

describe('readPth', () => {
  it('reads a state dict in the format of today, a zip archive', () => {
    const contents = dictionary({
      'conv.weight': tensor({ key: '0', size: 6, shape: [2, 3], strides: [3, 1] }),
      'conv.bias': parameter(tensor({ key: '1', size: 2, shape: [2], strides: [1] })),
    });
    const tensors = readPth(newFile(contents, [['0', floats(1, 2, 3, 4, 5, 6)], ['1', floats(7, 8)]])); // biome-ignore format: two storages
    expect([...tensors.keys()]).toEqual(['conv.weight', 'conv.bias']);
    expect(tensors.get('conv.weight')).toMatchObject({ dtype: 'F32', shape: [2, 3] });
    expect([...tensors.get('conv.weight')!.values()]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...tensors.get('conv.bias')!.values()]).toEqual([7, 8]);
  });

  it('reads the format before PyTorch 1.6, pickles and storages one after the other', () => {
    const contents = dictionary({
      a: tensor(two, true),
      b: tensor({ ...two, key: 'x', size: 1, shape: [], strides: [] }, true),
    });
    const bytes = oldFile(contents, [['x', 1, floats(3)], ['0', 2, floats(1.5, -2)]]); // biome-ignore format: two storages
    const tensors = readPth(bytes);
    expect([...tensors.get('a')!.values()]).toEqual([1.5, -2]);
    expect(tensors.get('b')!.shape).toEqual([]);
    expect([...tensors.get('b')!.values()]).toEqual([3]);
  });

  it('reads tensors whose numbers lie transposed, with gaps, or in a storage that several share', () => {
    const share = (of: object) => tensor({ key: '0', size: 6, shape: [], strides: [], ...of });
    const contents = dictionary({
      // Element (i, j) is number i + 2 j.
      transposed: share({ shape: [2, 3], strides: [1, 2] }),
      // Numbers 1, 3 and 5.
      odd: share({ shape: [3], strides: [2], offset: 1 }),
      last: share({ offset: 5 }),
      empty: share({ shape: [0, 4], strides: [4, 1] }),
    });
    const tensors = readPth(newFile(contents, [['0', floats(0, 1, 2, 3, 4, 5)]]));
    expect([...tensors.get('transposed')!.values()]).toEqual([0, 2, 4, 1, 3, 5]);
    expect([...tensors.get('odd')!.values()]).toEqual([1, 3, 5]);
    expect([...tensors.get('last')!.values()]).toEqual([5]);
    expect([...tensors.get('empty')!.values()]).toEqual([]);
  });

  it.each([
    ['DoubleStorage', 'F64', new Uint8Array(new Float64Array([1.5, -2]).buffer)],
    // 1.5 is 3e00 and -2 is c000 in half precision, 3fc0 and c000 in bfloat16.
    ['HalfStorage', 'F16', Uint8Array.of(0, 0x3e, 0, 0xc0)],
    ['BFloat16Storage', 'BF16', Uint8Array.of(0xc0, 0x3f, 0, 0xc0)],
  ])('makes float32 of %s', (kind, dtype, bytes) => {
    const a = readPth(newFile(dictionary({ a: tensor({ ...two, kind }) }), [['0', bytes]])).get('a')!;
    expect(a.dtype).toBe(dtype);
    expect([...a.values()]).toEqual([1.5, -2]);
  });

  it('lists integers and refuses their values', () => {
    const contents = dictionary({ n: tensor({ kind: 'LongStorage', key: '0', size: 1, shape: [], strides: [] }) });
    const n = readPth(newFile(contents, [['0', new Uint8Array(8)]])).get('n')!;
    expect(n).toMatchObject({ dtype: 'I64', shape: [] });
    expect(() => n.values()).toThrow(new RangeError('readPth: tensor "n" is I64, which is no float; leave it out'));
  });

  it('reads the state dict of a checkpoint by its entry, and says what entries there are without', () => {
    const contents = dictionary({ epoch: op.int(3), model: dictionary({ a: tensor(two) }), optimizer: op.emptyDict });
    expect([...readPth(file(contents), { entry: 'model' }).get('a')!.values()]).toEqual([1.5, -2]);
    expect(() => readPth(file(contents))).toThrow(
      new RangeError(
        'readPth: "epoch" is no tensor; entry names a dictionary of tensors in the file, which has dictionaries under "model", "optimizer"',
      ),
    );
    expect(() => readPth(file(contents), { entry: 'ema' })).toThrow('has no dictionary under entry "ema"');
    expect(() => readPth(file(), { entry: 'model' })).toThrow('has dictionaries under no key');
  });

  it('recalls what a pickle remembers, and shares it', () => {
    const contents = dictionary({ a: [...tensor(two), ...op.put(1)], b: op.get(1) });
    const tensors = readPth(file(contents));
    expect([...tensors.get('b')!.values()]).toEqual([1.5, -2]);
  });

  it('takes any name, also those that objects have already', () => {
    const names = ['__proto__', 'constructor', '', 'ä'];
    const items = names.flatMap((name) => [...op.text(name), ...tensor(two)]);
    const tensors = readPth(file([...op.emptyDict, ...op.mark, ...items, ...op.setItems]));
    expect([...tensors.keys()]).toEqual(names);
  });

  it('reads a file that starts anywhere in a buffer, also in one of Node', () => {
    const inner = file();
    const outer = Buffer.alloc(inner.length + 3);
    outer.set(inner, 3);
    expect([...readPth(outer.subarray(3)).get('a')!.values()]).toEqual([1.5, -2]);
  });
});

describe('readPth runs nothing that a pickle asks for', () => {
  const call = (module: string, name: string, ...args: readonly number[][]) => [
    ...op.global(module, name),
    ...tuple(...args),
    ...op.reduce,
  ];

  it.each([
    ['a command', call('os', 'system', op.text('touch owned')), 'asks for "os.system"'],
    ['a command by another name', call('posix', 'system', op.text('true')), 'asks for "posix.system"'],
    ['Python', call('builtins', 'eval', op.text('1')), 'asks for "builtins.eval"'],
    ['an import', call('importlib', 'import_module', op.text('os')), 'asks for "importlib.import_module"'],
    [
      'an attribute of what is allowed',
      op.global('collections', 'OrderedDict.__init__'),
      '"collections.OrderedDict.__init__"',
    ],
    ['torch beyond tensors', call('torch.hub', 'load'), 'asks for "torch.hub.load"'],
    [
      'a pickle in a pickle',
      call('torch.storage', '_load_from_bytes', op.text('x')),
      '"torch.storage._load_from_bytes"',
    ],
    ['a name of an object of ours', op.global('constructor', 'constructor'), '"constructor.constructor"'],
    ['a name without a module', op.global('', '__proto__'), 'asks for ".__proto__"'],
    ['arguments of a training', call('argparse', 'Namespace'), 'asks for "argparse.Namespace"'],
    [
      'a storage as a function',
      [...op.global('torch', 'FloatStorage'), ...op.emptyTuple, ...op.reduce],
      'calls what is no function',
    ],
    ['a string as a function', [...op.text('x'), ...op.emptyTuple, ...op.reduce], 'calls what is no function'],
    ['None as a function', [...op.none, ...op.emptyTuple, ...op.reduce], 'calls what is no function'],
    ['a name from the stack', [...op.text('os'), ...op.text('system'), 0x93], 'has operation 0x93'],
    ['a registered extension', [0x82, 1], 'has operation 0x82'],
    ['an instance', [...op.mark, 0x69, ...new TextEncoder().encode('os\nsystem\n')], 'has operation 0x69'],
    ['a new object', [...op.global('collections', 'OrderedDict'), ...op.emptyTuple, 0x81], 'has operation 0x81'],
    ['attributes of a list', [...op.emptyList, ...op.none, ...op.build], 'gives attributes to what is no dictionary'],
    ['an id that is no storage', [...op.text('x'), ...op.persistent], 'refers to something beside it'],
    [
      'an id of an unknown storage',
      [...tuple(op.text('storage'), op.text('os')), ...op.persistent],
      'refers to something beside it',
    ],
    [
      'a tensor of a list',
      call('torch._utils', '_rebuild_tensor_v2', [...op.emptyList]),
      'makes a tensor of something else',
    ],
    [
      'an OrderedDict of a list',
      call('collections', 'OrderedDict', [...op.emptyList]),
      'makes an OrderedDict of a list',
    ],
  ])('refuses %s', (_, operations, message) => {
    const read = () => readPth(file(dictionary({ a: operations })));
    expect(read).toThrow(RangeError);
    expect(read).toThrow(message);
  });
});

describe('readPth refuses damaged and lying files', () => {
  const lie = (of: object) => file(dictionary({ a: tensor({ ...two, ...of }) }));
  const old = dictionary({ a: tensor(two, true) });
  const stored = [['0', 2, floats(1.5, -2)]] as const;
  const data = ['0', floats(1.5, -2)] as const;

  it.each([
    ['nothing', new Uint8Array(0), 'is none of torch.save'],
    [
      'safetensors',
      new TextEncoder().encode('\x08\0\0\0\0\0\0\0{}      '),
      'is none of torch.save; readSafetensors reads',
    ],
    ['another magic number', oldFile(old, stored, { magic: 7n }), 'is none of torch.save'],
    ['another version', oldFile(old, stored, { version: 1002 }), 'has version 1002, known is 1001'],
    ['the other byte order', oldFile(old, stored, { little: false }), 'not little-endian'],
    [
      'an old storage that is cut off',
      oldFile(old, stored).subarray(0, -1),
      'of 8 bytes is cut off by the end of the file',
    ],
    ['bytes after the last storage', Uint8Array.from([...oldFile(old, stored), 0]), 'the storages end at byte'],
    ['an old storage of another size', oldFile(old, [['0', 3, floats(1, 2, 3)]]), 'before its numbers stands 3'],
    ['a storage that is listed twice', oldFile(old, [...stored, ...stored]), 'lists a storage twice'],
    ['a storage that no tensor has', oldFile(old, [['1', 0, floats()]]), 'or one that no tensor has'],
    ['a storage that is not listed', oldFile(old, []), 'storage "0" is not in the file'],
    [
      'a storage described in two ways',
      oldFile(dictionary({ a: tensor(two, true), b: tensor({ ...two, size: 3 }, true) }), stored),
      'is described in two ways',
    ],
    ['a zip without an end', file().subarray(0, -1), 'has no end record; the file is cut off'],
    ['a zip without a beginning', file().subarray(1), 'is none of torch.save'],
    ['a zip that is compressed', zip([['archive/data.pkl', pickle(old)]], 8), 'is compressed, encrypted or of 4 GiB'],
    ['a zip of other files', zip([['readme', []]]), 'must have one file NAME/data.pkl, has 0'],
    ['a zip of two pickles', newFile(old, [data], [['b/data.pkl', []]]), 'must have one file NAME/data.pkl, has 2'],
    ['a zip with a name twice', newFile(old, [data, data]), 'has "archive/data/0" twice'],
    ['a zip without the storage', newFile(dictionary({ a: tensor(two) }), []), 'has 8 bytes, the archive none'],
    [
      'a zip with a shorter storage',
      newFile(dictionary({ a: tensor(two) }), [['0', floats(1)]]),
      'has 8 bytes, the archive 4',
    ],
    [
      'a big-endian zip',
      newFile(old, [], []).map((byte, i, all) =>
        byte === 0x6c && all[i + 1] === 0x69 && all[i + 2] === 0x74 ? 0x4c : byte,
      ),
      'not little-endian',
    ],
    ['a shape beyond the storage', lie({ shape: [3] }), 'takes more than the 2 elements of its storage'],
    ['an offset beyond the storage', lie({ offset: 1 }), 'takes more than the 2 elements'],
    ['strides beyond the storage', lie({ strides: [2] }), 'takes more than the 2 elements'],
    ['one number repeated a billion times', lie({ shape: [1e9], strides: [0] }), 'takes more than the 2 elements'],
    ['sizes that overflow', lie({ shape: [2 ** 30, 2 ** 30, 2 ** 30], strides: [0, 0, 0] }), 'takes more than the 2'],
    [
      'more sizes than PyTorch has',
      lie({ shape: new Array(65).fill(1), strides: new Array(65).fill(1) }),
      'makes a tensor of something else',
    ],
    ['a negative size', lie({ shape: [-1] }), 'makes a tensor of something else'],
    ['a negative stride', lie({ strides: [-1] }), 'makes a tensor of something else'],
    ['fewer strides than sizes', lie({ shape: [1, 2] }), 'of 2 sizes and 1 strides'],
    ['more elements than can be', lie({ size: -1 }), 'no storage of a tensor'],
    ['a list', file(op.emptyList as unknown as number[]), 'must hold a dictionary of tensors'],
    ['a tensor alone', file(tensor(two)), 'must hold a dictionary of tensors'],
    ['a number for a name', file([...op.emptyDict, ...op.int(1), ...tensor(two), ...op.setItem]), '"1" is no tensor'],
    ['a pickle of protocol 4', zip([['archive/data.pkl', [0x80, 4, ...op.none, ...op.stop]]]), 'has protocol 4'],
    ['a pickle that takes from nothing', file([...op.reduce]), 'takes a value'],
    ['a tuple without its mark', file([...op.tuple]), 'asks for a mark that is not there'],
    ['a value that was not remembered', file([...op.get(9)]), 'recalls value 9'],
    ['an append to a number', file([...op.int(1), ...op.int(2), ...op.append]), 'appends to what is no list'],
    [
      'an odd number of items',
      file([...op.emptyDict, ...op.mark, ...op.int(1), ...op.setItems]),
      'sets items of what is no dictionary',
    ],
    ['a string longer than the file', file([0x58, 0xff, 0xff, 0xff, 0xff]), 'in the middle of a value'],
    ['a string that is no UTF-8', file([0x58, 1, 0, 0, 0, 0xff]), 'that is no UTF-8'],
    ['a name without an end', zip([['archive/data.pkl', [...op.proto, 0x63, 0x6f]]]), 'in the middle of a name'],
    ['a pickle that never stops', zip([['archive/data.pkl', [...op.proto, ...op.none]]]), 'in the middle of a value'],
    [
      'millions of operations',
      zip([['archive/data.pkl', new Uint8Array(2 ** 22 + 2).fill(0x4e)]]),
      'more than 4194304 operations',
    ],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readPth(bytes)).toThrow(RangeError);
    expect(() => readPth(bytes)).toThrow(message);
  });

  it('refuses what is no Uint8Array and an unknown option', () => {
    expect(() => readPth('resnet18.pth' as never)).toThrow(
      new TypeError('readPth: bytes must be the Uint8Array of a file, got string'),
    );
    expect(() => readPth(file(), { entries: 'model' } as never)).toThrow(RangeError);
    expect(() => readPth(file(), { entry: 1 } as never)).toThrow(TypeError);
  });

  it('refuses every beginning of a file', () => {
    for (const whole of [file(), oldFile(old, stored)])
      for (let length = 0; length < whole.length; length++)
        expect(() => readPth(whole.subarray(0, length)), `${length} bytes`).toThrow(RangeError);
  });

  it('gives consistent tensors or a RangeError for 20,000 damaged files', () => {
    const entries = (old: boolean) =>
      dictionary({
        'conv.weight': tensor({ key: '0', size: 6, shape: [2, 3], strides: [1, 2] }, old),
        n: tensor({ kind: 'LongStorage', key: '1', size: 1, shape: [], strides: [] }, old),
        'conv.bias': parameter(tensor({ key: '0', size: 6, shape: [2], strides: [3], offset: 2 }, old)),
      });
    const bytes = [floats(1, 2, 3, 4, 5, 6), new Uint8Array(8)] as const;
    const whole = [
      newFile(entries(false), [['0', bytes[0]], ['1', bytes[1]]]), // biome-ignore format: two storages
      oldFile(entries(true), [['0', 6, bytes[0]], ['1', 1, bytes[1]]]), // biome-ignore format: two storages
    ];
    let state = 1;
    // xorshift32 (Marsaglia 2003)
    const below = (n: number) => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) % n;
    };
    const known = Object.values(op).flatMap((each) => (typeof each === 'function' ? [] : [each[0]!]));
    let read = 0;
    for (let round = 0; round < 20_000; round++) {
      let damaged: Uint8Array = Uint8Array.from(whole[round % 2]!);
      for (let times = 1 + below(4); times > 0; times--) {
        const at = below(damaged.length);
        const kind = below(6);
        if (kind === 0) damaged[at] = below(256);
        else if (kind === 1) damaged[at] = known[below(known.length)]!;
        else if (kind === 2) damaged[at] = damaged[at]! ^ (1 << below(8));
        else if (kind === 3) damaged = damaged.slice(0, at + 1);
        else if (kind === 4) damaged = Uint8Array.from([...damaged.slice(0, at), ...damaged.slice(at + 1 + below(9))]);
        else
          damaged = Uint8Array.from([
            ...damaged.slice(0, at),
            ...damaged.slice(below(at + 1), at),
            ...damaged.slice(at),
          ]);
        if (damaged.length === 0) damaged = new Uint8Array(1);
      }
      try {
        for (const { shape, dtype, values } of readPth(damaged).values()) {
          const size = shape.reduce((a, b) => a * b, 1);
          if (size > damaged.length) throw new Error(`round ${round}: ${shape} from ${damaged.length} bytes`);
          if (/^(F16|BF16|F32|F64)$/.test(dtype) && values().length !== size)
            throw new Error(`round ${round}: ${shape}`);
        }
        read++;
      } catch (error) {
        if (!(error instanceof RangeError && error.message.startsWith('readPth: '))) throw error;
      }
    }
    // Damage to the numbers, to a name or to padding is none to the format.
    expect(read).toBeGreaterThan(200);
    expect(read).toBeLessThan(15_000);
  });
});
