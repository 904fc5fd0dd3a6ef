import { spawnSync } from 'node:child_process';

export interface Account {
  uid: number;
  gid: number;
}

/**
 * Accounts PostgreSQL may run under when we are root, which it refuses to be. An existing one is used instead of
 * adding an account to someone's machine.
 */
const candidates = ['postgres', 'nobody'];

/** The account to run PostgreSQL as; `undefined`: our own will do. @throws when we are root and there is none. */
export function postgresAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of candidates) {
    const [uid, gid] = [idOf('-u', name), idOf('-g', name)];
    if (uid !== undefined && gid !== undefined && uid !== 0) return { uid, gid };
  }
  throw new Error(
    `PostgreSQL refuses to run as root, and this machine has none of the accounts ${candidates.join(', ')}. ` +
      'Run this as another user, add an account named postgres, or set DATABASE_URL.',
  );
}

function idOf(flag: string, name: string): number | undefined {
  const { status, stdout } = spawnSync('id', [flag, name], { encoding: 'utf8' });
  return status === 0 ? Number.parseInt(stdout, 10) : undefined;
}

/** Whether the account can do this (`r`, `w` or `x`, as `test` takes it) to the path, all its parents included. */
export function accountCan(account: Account, permission: 'r' | 'w' | 'x', target: string): boolean {
  const { status } = spawnSync('/bin/sh', ['-c', `test -${permission} "$1"`, 'sh', target], {
    ...account,
    cwd: '/',
  });
  return status === 0;
}
