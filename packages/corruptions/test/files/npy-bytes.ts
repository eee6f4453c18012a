/** The bytes of a NumPy array file, written as numpy.lib.format does. */
export function npy({
  shape = [],
  descr = '|u1',
  fortran = false,
  version = 1,
  data = new Uint8Array(shape.reduce((product, n) => product * n, 1)),
  header = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`,
}: {
  readonly shape?: readonly number[];
  readonly descr?: string;
  readonly fortran?: boolean;
  readonly version?: number;
  readonly data?: Uint8Array;
  readonly header?: string;
}): Uint8Array<ArrayBuffer> {
  const prefix = version === 1 ? 10 : 12;
  const end = Math.ceil((prefix + header.length + 1) / 64) * 64;
  const bytes = new Uint8Array(end + data.length);
  bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, end - prefix, true);
  else view.setUint32(8, end - prefix, true);
  bytes.set(new TextEncoder().encode(`${header.padEnd(end - prefix - 1)}\n`), prefix);
  bytes.set(data, end);
  return bytes;
}
