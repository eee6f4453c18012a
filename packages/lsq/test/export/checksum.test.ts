import { expect, it } from 'vitest';
import { crc32 } from '../../src/export/checksum';

const bytes = (text: string) => new TextEncoder().encode(text);

it('the check value of CRC-32 is cbf43926', () => {
  expect(crc32(bytes('123456789'))).toBe('cbf43926');
});

it('parts count as one run of bytes, and none is 0', () => {
  expect(crc32(bytes('1234'), bytes(''), bytes('56789'))).toBe('cbf43926');
  expect(crc32()).toBe('00000000');
});
