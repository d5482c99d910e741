// What the figures were measured on.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));

/** Debian packages whose versions are told, with the names people know. */
const libraries = {
  oneDNN: 'libdnnl-dev',
  OpenCV: 'libopencv-dev',
  LibTorch: 'libtorch-dev',
  FAISS: 'libfaiss-dev',
  hnswlib: 'libhnswlib-dev',
  OpenBLAS: 'libopenblas0-pthread',
  'g++': 'g++',
};

const words = (program, ...rest) => {
  try {
    return execFileSync(program, rest, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      cwd: top,
    }).trim();
  } catch (error) {
    return error.stdout?.trim() ?? '';
  }
};

/** `1.13.1` of Debian's `1:1.13.1+dfsg-4`. */
export const upstream = (version) => version.replace(/^\d+:/, '').replace(/[+~-].*$/, '');

/** The versions of FaceForge's engine and of its rivals; `not installed` where one is missing. */
export function versions() {
  const shown = words(
    'dpkg-query',
    '-W',
    '-f=${binary:Package} ${Version}\\n',
    ...Object.values(libraries),
  );
  const debian = new Map(
    shown
      .split('\n')
      .map((line) => line.split(' '))
      .map(([name, version]) => [name.split(':')[0], version]),
  );
  const found = Object.entries(libraries).map(([name, id]) => [
    name,
    debian.has(id) ? upstream(debian.get(id)) : 'not installed',
  ]);
  const onnxruntime = join(top, 'tests/onnxruntime/node_modules/onnxruntime-node/package.json');
  const version = existsSync(onnxruntime)
    ? JSON.parse(readFileSync(onnxruntime, 'utf8')).version
    : 'not installed';
  return { ...Object.fromEntries(found), 'ONNX Runtime': version };
}

/** What decides the speed of networks, from the flags of /proc/cpuinfo: `AVX2, no VNNI`. */
export function instructionsOf(flags) {
  const has = (flag) => flags.includes(flag);
  if (has('amx_int8')) return 'AVX-512, VNNI, AMX';
  if (has('avx512f')) return has('avx512_vnni') ? 'AVX-512, VNNI' : 'AVX-512, no VNNI';
  if (has('avx2')) return has('avx_vnni') ? 'AVX2, VNNI' : 'AVX2, no VNNI';
  return has('sse4_1') ? 'SSE4.1, no VNNI' : 'SSE2, no VNNI';
}

/**
 * The processor, its memory, what is installed, and the commit; `load` is how busy others kept it
 * at the start.
 */
export function describeMachine() {
  const cpuinfo = readFileSync('/proc/cpuinfo', 'utf8');
  const field = (name) => cpuinfo.match(new RegExp(`^${name}\\s*: (.*)$`, 'm'))?.[1] ?? 'unknown';
  const kind = `family ${field('cpu family')}, model ${field('model')}`;
  return {
    processor: `${field('model name')} (${kind})`,
    cores: availableParallelism(),
    instructions: instructionsOf(field('flags').split(' ')),
    memory_gib: Math.round(totalmem() / 2 ** 30),
    system:
      readFileSync('/etc/os-release', 'utf8').match(/^PRETTY_NAME="(.*)"$/m)?.[1] ?? 'unknown',
    kernel: words('uname', '-r'),
    load: loadavg()[0],
    commit: words('git', 'rev-parse', '--short', 'HEAD') || 'unknown',
    versions: { ...versions(), Node: process.versions.node },
  };
}
