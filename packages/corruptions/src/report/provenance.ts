import type { Dialect } from '../corruption';
import { PUBLISHED_SIDE } from '../severities';
import { frostImages } from '../weather/frost/frost-images';
import type { OnTheFlyOptions } from './corrupted-data';
import type { CorruptionReportData } from './report';

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

/** What a report tells of the options. Throws as `corrupt` does on textures that are none. */
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

/** What sets figures apart from the published: what was evaluated, and how the images were made. */
export function deviationsOf({
  preset,
  imageShape,
  settings,
  overall,
  results,
}: Pick<CorruptionReportData, 'preset' | 'imageShape' | 'overall' | 'results'> & {
  readonly settings: CorruptionSettings | undefined;
}): string[] {
  const side = PUBLISHED_SIDE[preset];
  const published = `${side}×${side}×3`;
  const shape = typeof imageShape === 'string' ? 'of various sizes' : imageShape.join('×');
  const found: string[] = [];
  if (!overall?.complete) found.push('not all 15 corruptions at 5 severities were evaluated');
  if (shape !== published) found.push(`the images are ${shape}, the published ones ${published}`);
  if (!settings) return found;
  const { seed, dialect, textures, postJpeg85 } = settings;
  found.push(`the images are corrupted anew, by seed ${seed}, and are not the published files`);
  if (dialect !== 'robustness')
    found.push(
      dialect === 'various'
        ? 'some images are corrupted as imagecorruptions does, the published files as hendrycks/robustness does'
        : 'the images are corrupted as imagecorruptions does, the published files as hendrycks/robustness does',
    );
  const jpeg = preset !== 'cifar-c';
  if (postJpeg85 !== jpeg)
    found.push(
      jpeg
        ? 'the images did not go through JPEG of quality 85, which the published files did'
        : 'the images went through JPEG of quality 85, which the published files did not',
    );
  if (textures === 'synthetic' && results.some(({ corruption }) => corruption === 'frost'))
    found.push('the textures of frost are synthetic, the published ones are photos');
  return found;
}
