import { closeSync, fsyncSync, linkSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { UsageError } from '../../shared/usage-error';

/**
 * Writes a file that appears whole or not at all, and only if there is none: into a temporary file beside it, flushed to
 * the disk, and linked into place. Says whether this call was the first. Throws a UsageError where the disk is full.
 */
export function publish(path: string, content: string): boolean {
  const temporary = `${path}.${hostname()}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, 'w');
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(temporary, path);
    flushFolder(dirname(path));
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new UsageError(`${path}: there is no space left on the disk (${code}); free some and run again`);
    if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
      throw new UsageError(`${path} can't be written (${message}); give a folder that can with --out`);
    throw error;
  } finally {
    try {
      unlinkSync(temporary);
    } catch {
      // It was never made.
    }
  }
}

/** Makes the new name itself last through a crash of the machine, where the file system can. */
function flushFolder(path: string): void {
  try {
    const folder = openSync(path, 'r');
    fsyncSync(folder);
    closeSync(folder);
  } catch {
    // Windows opens no folders, and flushes names by itself.
  }
}
