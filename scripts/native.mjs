#!/usr/bin/env node
/**
 * `npm run native`: builds the backend of @tensorflow/tfjs-node where its prebuilt binary can't be downloaded, from npm
 * and PyPI alone, into a cache folder outside the repository. The tests then run on it too.
 *
 * The npm package brings its sources. TensorFlow's C library and headers come from the PyPI wheel of the version that the
 * package is linked to; pip is the client that fetches it, and no Python runs. That library refers to symbols of Python
 * which nothing calls here: a library of zeros stands in for them.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import yauzl from 'yauzl';

const NODE_PACKAGE = '@tensorflow/tfjs-node';
const NODE_PACKAGE_VERSION = '4.22.0';
/** The version of TensorFlow that tfjs-node 4.22.0 is linked to, and its wheel for CPython 3.10 on Linux x86-64. */
const TENSORFLOW = 'tensorflow-cpu==2.9.1';
const WHEEL_TAGS = ['--platform', 'manylinux2014_x86_64', '--python-version', '310', '--implementation', 'cp'];
const WHEEL_SHA256 = '6666ddeae45e1f41da788cb4bdea3435aba16edb0bc17b7ac00631c7c9eb052e';
const LIBRARIES = ['tensorflow/python/_pywrap_tensorflow_internal.so', 'tensorflow/libtensorflow_framework.so.2'];
const STAND_IN = 'libpython-stand-in.so';
const HEADERS = 'tensorflow/include/';
const HEADER_FOLDERS = /^tensorflow\/include\/tensorflow\/(c|core\/platform)\//;

/** Ends the script with one line that says what is lacking. */
class Lacking extends Error {}

const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');

/** Where the backend lies once it is built. A build is for one Node-API version, so that Node may be updated. */
export const nativeFolder = join(caches, 'qgen', `tfjs-node-${NODE_PACKAGE_VERSION}-napi-${nodeApiVersion()}`);

/** The module to `require` in order to have the backend `tensorflow`, or undefined where it is not built. */
export function findNative() {
  const module = join(nativeFolder, 'node_modules', NODE_PACKAGE);
  return existsSync(join(nativeFolder, 'complete')) ? module : undefined;
}

/** The highest Node-API version that both tfjs-node (3 to 8) and this Node have. */
function nodeApiVersion() {
  return Math.min(8, Number(process.versions.napi));
}

function run(what, program, args, options = {}) {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  });
  if (error?.code === 'ENOENT')
    throw new Lacking(`${program} is missing, which ${what}; install it and run this again`);
  if (error || status !== 0)
    throw new Lacking(
      `${program} failed, which ${what}: ${lastLine(stderr) || error?.message || `exit status ${status}`}`,
    );
  return stdout;
}

const lastLine = (text) => text?.trim().split('\n').at(-1);

function requireMachine() {
  const [major] = process.versions.node.split('.').map(Number);
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Lacking(`it can be built on Linux x86-64 alone, this is ${process.platform} ${process.arch}`);
  if (major >= 23)
    throw new Lacking(
      `tfjs-node ${NODE_PACKAGE_VERSION} does not load on Node 23 and later, this is ${process.version}; use Node 20 or 22`,
    );
  const pip = ['pip3', 'pip'].find((name) => spawnSync(name, ['--version']).status === 0);
  if (!pip) throw new Lacking('pip is missing, which fetches the TensorFlow library; install it and run this again');
  for (const tool of ['g++', 'nm'])
    if (spawnSync(tool, ['--version']).status !== 0)
      throw new Lacking(`${tool} is missing, which links the backend; install g++ and binutils and run this again`);
  return pip;
}

async function fetchWheel(pip, folder) {
  const args = ['download', '--quiet', '--no-deps', '--only-binary=:all:', ...WHEEL_TAGS, '--abi', 'cp310'];
  run('fetches the TensorFlow library', pip, [...args, '--dest', folder, TENSORFLOW]);
  const name = readdirSync(folder).find((file) => file.endsWith('.whl'));
  if (!name) throw new Lacking(`${pip} fetched no wheel of ${TENSORFLOW}; run this again`);
  const wheel = join(folder, name);
  const hash = createHash('sha256');
  await pipeline(createReadStream(wheel), hash);
  const digest = hash.digest('hex');
  if (digest !== WHEEL_SHA256)
    throw new Lacking(
      `the wheel of ${TENSORFLOW} did not arrive whole: its SHA-256 is ${digest}, not ${WHEEL_SHA256}; run this again`,
    );
  return wheel;
}

/** Unpacks what is needed of the wheel: the two libraries to `deps/lib`, the headers of the C API to `deps/include`. */
async function unpack(wheel, deps) {
  const archive = await promisify(yauzl.open)(wheel, { lazyEntries: true, autoClose: true });
  const target = (name) => {
    if (LIBRARIES.includes(name)) return join(deps, 'lib', name.split('/').at(-1));
    return HEADER_FOLDERS.test(name) && name.endsWith('.h')
      ? join(deps, 'include', name.slice(HEADERS.length))
      : undefined;
  };
  const ended = new Promise((resolve, reject) => archive.on('end', resolve).on('error', reject));
  archive.on('entry', async (entry) => {
    const file = target(entry.fileName);
    try {
      if (file) {
        mkdirSync(dirname(file), { recursive: true });
        await pipeline(await promisify(archive.openReadStream.bind(archive))(entry), createWriteStream(file));
      }
      archive.readEntry();
    } catch (error) {
      archive.emit('error', error);
    }
  });
  archive.readEntry();
  await ended;
}

/** A library of a zeroed object for each symbol of Python that TensorFlow's library names. */
export function buildPythonStandIn(library, folder) {
  const symbols = run('lists the symbols', 'nm', ['-D', '--undefined-only', library]).matchAll(/\bU (_?Py\w+)/g);
  const names = [...new Set([...symbols].map(([, name]) => name))];
  const source = join(folder, 'python.c');
  writeFileSync(source, names.map((name) => `char ${name}[1024] __attribute__((aligned(64)));\n`).join(''));
  run('links the backend', 'g++', [
    ...['-x', 'c', '-shared', '-fPIC', `-Wl,-soname,${STAND_IN}`, '-o', join(folder, STAND_IN), source],
  ]);
}

function headersOfNode() {
  const folder = join(dirname(realpathSync(process.execPath)), '../include/node');
  return existsSync(join(folder, 'node_api.h')) ? folder : undefined;
}

async function build(pip, folder) {
  const packages = [`${NODE_PACKAGE}@${NODE_PACKAGE_VERSION}`, ...(headersOfNode() ? [] : ['node-api-headers'])];
  console.log(`native: installing ${packages.join(' and ')} …`);
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  run('installs tfjs-node', 'npm', ['install', ...quiet, '--prefix', folder, ...packages], { cwd: folder });
  console.log(`native: fetching TensorFlow's library (${TENSORFLOW}) …`);
  const scratch = join(folder, 'scratch');
  mkdirSync(scratch);
  const module = join(folder, 'node_modules', NODE_PACKAGE);
  const lib = join(module, 'deps/lib');
  await unpack(await fetchWheel(pip, scratch), join(module, 'deps'));
  console.log('native: compiling the binding …');
  const [internal, framework] = LIBRARIES.map((name) => join(lib, name.split('/').at(-1)));
  buildPythonStandIn(internal, lib);
  const output = join(module, `lib/napi-v${nodeApiVersion()}`);
  mkdirSync(output, { recursive: true });
  run('compiles the binding', 'g++', [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-w', `-DNAPI_VERSION=${nodeApiVersion()}`],
    ...['-I', join(module, 'deps/include'), '-I', module],
    ...['-I', headersOfNode() ?? join(folder, 'node_modules/node-api-headers/include')],
    ...[join(module, 'binding/tfjs_backend.cc'), join(module, 'binding/tfjs_binding.cc')],
    // The older kind of rpath, which holds for the libraries that a library needs as well; all three stay, in this order.
    ...['-Wl,--disable-new-dtags', '-Wl,-rpath,$ORIGIN/../../deps/lib', '-Wl,--no-as-needed'],
    ...[join(lib, STAND_IN), framework, internal],
    ...['-o', join(output, 'tfjs_binding.node')],
  ]);
  rmSync(scratch, { recursive: true });
  const check = `const tf=require(${JSON.stringify(module)});if(tf.getBackend()!=='tensorflow')process.exit(1);tf.add(1,2).dataSync()`;
  run('loads the backend', process.execPath, ['-e', check], { env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' } });
  writeFileSync(join(folder, 'complete'), `${new Date().toISOString()}\n`);
}

async function main() {
  if (findNative()) return console.log(`native: the backend is in ${nativeFolder}`);
  const pip = requireMachine();
  mkdirSync(dirname(nativeFolder), { recursive: true });
  // Built beside its place and moved there whole: an interrupted build leaves nothing that looks like one.
  const folder = mkdtempSync(`${nativeFolder}.part-`);
  const interrupted = () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, interrupted);
  try {
    await build(pip, folder);
    rmSync(nativeFolder, { recursive: true, force: true });
    renameSync(folder, nativeFolder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`native: built in ${nativeFolder}; npm test runs on it from now on`);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  main().catch((error) => {
    // Errors with a code are of the file system: no room, no permission.
    if (!(error instanceof Lacking) && !error.code) throw error;
    console.error(`native: the native backend can't be set up here: ${error.message}`);
    process.exitCode = 2;
  });
