import { openAsBlob, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type CorruptedData, cifarCFiles, imageNetCFolder, type NamedFile } from '@qgen/corruptions';
import { UsageError } from '../../shared/usage-error';
import type { StudyData } from './examples';
import { decodeCropped } from './image-folder';

/** The published CIFAR-C (`fog.npy`, `labels.npy`, …) or ImageNet-C (`fog/3/CLASS/…`) in a folder. */
export async function openCorrupted(folder: string, { preset }: StudyData, side: number): Promise<CorruptedData> {
  try {
    const names = readdirSync(folder);
    if (names.includes('labels.npy')) return await cifarCFiles(await filesOf(folder, names));
    const all = names
      .filter((name) => statSync(join(folder, name)).isDirectory())
      .flatMap((name) => below(join(folder, name)));
    const decode = async (bytes: Uint8Array) => ({ width: side, height: side, data: await decodeCropped(bytes, side) });
    return await imageNetCFolder(
      await filesOf(
        folder,
        all.map((path) => relative(folder, path)),
      ),
      { decode, preset },
    );
  } catch (error) {
    throw new UsageError(`--corrupted: ${folder}: ${(error as Error).message.split('\n')[0]}`);
  }
}

function below(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? below(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

async function filesOf(folder: string, names: readonly string[]): Promise<NamedFile[]> {
  return Promise.all(
    names
      .filter((name) => statSync(join(folder, name)).isFile())
      .map(async (name) => ({ name, bytes: await openAsBlob(join(folder, name)) })),
  );
}
