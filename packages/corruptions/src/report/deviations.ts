import { PUBLISHED_SIDE } from '../options/severities';
import type { CorruptionReportData } from './report';
import type { CorruptionSettings } from './settings';

/** The differences from the published benchmark, in what was evaluated and in how the images were made. */
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
