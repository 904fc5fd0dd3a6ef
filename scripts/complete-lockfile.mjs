// Adds to package-lock.json the optional builds for other platforms that npm left out. npm drops an optional package its
// registry does not offer, and then `npm ci` refuses the lockfile everywhere. Run it after every change of dependencies.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const file = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', 'package-lock.json');
const systems = [
  'darwin',
  'linux',
  'win32',
  'freebsd',
  'android',
  'openharmony',
  'openbsd',
  'netbsd',
  'sunos',
  'aix',
];
const processors = [
  ...['arm64', 'x64', 'ia32', 'arm', 'ppc64', 's390x', 'riscv64'],
  ...['wasm32', 'loong64', 'mips64el', 'ppc', 'x32'],
];

const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = missingPackages();
for (const [key, entry] of added) lock.packages[key] = entry;
lock.packages = sorted(lock.packages);
writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
process.stdout.write(`${added.length} optional packages added to package-lock.json\n`);

function missingPackages() {
  return Object.entries(lock.packages).flatMap(([parent, { dev, optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !isPresent(parent, name))
      .map(([name, range]) => [`node_modules/${name}`, entryOf(name, range, dev)]),
  );
}

/** Looks where Node would: beside the parent, then ever further up. */
function isPresent(parent, name) {
  for (let at = parent; ; at = at.replace(/\/?node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    if (lock.packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`]) return true;
    if (at === '') return false;
  }
}

/** Platform packages are pinned by their parents and say in their names what they are for. */
function entryOf(name, range, dev) {
  const words = name
    .replace(/^.*\//, '')
    .replace('windows', 'win32')
    .replace('linuxmusl', 'linux-musl')
    .split('-');
  const system = systems.find((known) => words.includes(known));
  const processor = processors.find((known) => words.includes(known));
  return {
    version: range.replace(/^[\^~]/, ''),
    ...(processor && { cpu: [processor] }),
    ...(dev && { dev: true }),
    ...(system === 'linux' && { libc: [words.some((word) => word.startsWith('musl')) ? 'musl' : 'glibc'] }),
    optional: true,
    ...(system && { os: [system] }),
  };
}

function sorted(packages) {
  const [root, ...others] = Object.keys(packages);
  return Object.fromEntries(
    [root, ...others.sort((a, b) => a.localeCompare(b, 'en'))].map((key) => [key, packages[key]]),
  );
}
