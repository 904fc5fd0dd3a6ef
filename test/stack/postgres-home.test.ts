import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { postgresAccount } from '../../local/stack/postgres-account';
import { preparePostgresHome, removePostgresHome } from '../../local/stack/postgres-home';
import { scratchDirectory, type ScratchDirectory } from './fake-service';

const account = postgresAccount();
/** Only root has database files outside the data directory. */
const itAsRoot = account === undefined ? it.skip : it;
const longAgo = new Date('2026-01-01T00:00:00Z');

describe("PostgreSQL's files outside a closed data directory", () => {
  let scratch: ScratchDirectory;
  let parent: string;
  const made: string[] = [];

  beforeEach(() => {
    // Of mode 0700: closed to every other account.
    scratch = scratchDirectory();
    parent = path.dirname(preparePostgresHome(scratch.path, account).directory);
  });
  afterEach(() => {
    removePostgresHome(scratch.path);
    scratch[Symbol.dispose]();
    for (const home of made.splice(0)) rmSync(home, { recursive: true, force: true });
  });

  function home(name: string, { origin, lastUsed }: { origin?: string; lastUsed?: Date }): string {
    const directory = path.join(parent, name);
    made.push(directory);
    mkdirSync(path.join(directory, 'data'), { recursive: true });
    if (origin !== undefined) writeFileSync(path.join(directory, 'origin'), origin);
    if (lastUsed !== undefined) {
      for (const used of [path.join(directory, 'data'), directory]) utimesSync(used, lastUsed, lastUsed);
    }
    return directory;
  }

  itAsRoot('are removed once their data directory is gone, or when nobody knows whose they are', () => {
    const orphan = home('test-orphan', { origin: path.join(scratch.path, 'gone') });
    const nobodys = home('test-nobodys', { lastUsed: longAgo });
    const fresh = home('test-fresh', {});
    const needed = home('test-needed', { origin: scratch.path, lastUsed: longAgo });

    preparePostgresHome(scratch.path, account);

    expect([orphan, nobodys, fresh, needed].map((directory) => existsSync(directory))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  itAsRoot('are removed although a killed server left its pid file', () => {
    const dead = home('test-dead', { origin: path.join(scratch.path, 'gone') });
    writeFileSync(path.join(dead, 'data', 'postmaster.pid'), `${process.pid}\n`);

    preparePostgresHome(scratch.path, account);

    expect(existsSync(dead)).toBe(false);
  });
});
