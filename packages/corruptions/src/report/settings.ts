import type { Dialect } from '../corruption';
import { frostImages } from '../weather/frost/frost-images';
import type { OnTheFlyOptions } from './corrupted-data';

/** A picture of frost, told by its size and the FNV-1a hash of its levels (32 bits, hexadecimal; RGB, row by row). */
export interface TextureNote {
  readonly height: number;
  readonly width: number;
  readonly hash: string;
}

/** How images were corrupted on the fly: with the version of the package, what it takes to make them again. */
export interface CorruptionSettings {
  readonly seed: number;
  /** Whose code it was; 'various' where images of several sizes had several. */
  readonly dialect: Dialect | 'various';
  readonly textures: 'synthetic' | readonly TextureNote[];
  readonly postJpeg85: boolean;
}

/** The settings of images corrupted on the fly before their size is known, which may decide the dialect. */
export type GivenSettings = Omit<CorruptionSettings, 'dialect'> & { readonly dialect: Dialect | undefined };

/** The settings that a report records. Throws as `corrupt` does on textures that are none. */
export function settingsOf(
  caller: string,
  { seed = 0, dialect, textures, postJpeg85 = false }: Omit<OnTheFlyOptions, 'preset'>,
): GivenSettings {
  const given = textures && frostImages(caller, textures);
  const notes = given?.map(({ height, width, levels }) => ({ height, width, hash: hashOf(levels) }));
  return { seed, dialect, textures: notes ?? 'synthetic', postJpeg85 };
}

/** FNV-1a of 32 bits. */
function hashOf(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
