import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { startPostgres } from '../support/postgres';

let directory: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ryla-generation-api-'));
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(directory, { recursive: true });
});

function launch(environment: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/api/main.ts'], {
    env: {
      PATH: process.env['PATH'],
      API_PORT: '0',
      ASSETS_DIR: directory,
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

/** `npm run keys` without the installation before it. */
async function keys(environment: Record<string, string>, ...options: string[]): Promise<string> {
  const program = ['--import', 'tsx', 'src/api/access/keys-process.ts', ...options];
  const env = { PATH: process.env['PATH'], ...environment };
  const { stdout } = await promisify(execFile)(process.execPath, program, { env });
  return stdout;
}

async function urlOf(child: ReturnType<typeof launch>): Promise<string> {
  for await (const line of createInterface({ input: child.stdout })) {
    const ready = JSON.parse(line) as { ready: boolean; url: string };
    expect(ready.ready).toBe(true);
    return ready.url;
  }
  throw new Error('it ended without being ready');
}

describe('the API process', () => {
  it('serves on loopback from its ready line on, with its tables in place, until it is told to stop', async () => {
    const server = await startPostgres();
    const child = launch({ DATABASE_URL: await server.url('ryla_generation') });
    child.stderr.resume();

    const url = await urlOf(child);
    const put = await fetch(new URL('/v1/characters/ava', url), { method: 'PUT' });
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];

    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(put.status).toBe(201);
    expect(code).toBe(0);
    await server.stop();
  }, 60_000);

  it('does not start where nobody could come, until npm run keys has made a key', async () => {
    const server = await startPostgres();
    const environment = { DATABASE_URL: await server.url('ryla_generation'), API_HOST: '0.0.0.0' };
    const refused = launch(environment);
    const [log, [code]] = await Promise.all([
      text(refused.stderr),
      once(refused, 'exit') as Promise<[number]>,
    ]);
    expect(code).toBe(1);
    expect(log).toContain('npm run keys -- create --caller');

    const made = await keys(environment, 'create', '--caller', 'shop', '--name', 'web', '--scopes', 'read');
    const child = launch(environment);
    child.stderr.resume();
    const { port } = new URL(await urlOf(child));
    const ask = (headers: Record<string, string>) => fetch(`http://127.0.0.1:${port}/v1/spend`, { headers });
    expect((await ask({})).status).toBe(401);
    expect(await (await ask({ authorization: `Bearer ${made.trim()}` })).json()).toMatchObject({
      caller: 'shop',
    });

    const id = made.split('_')[1] ?? '';
    expect(await keys(environment, 'list')).toMatch(new RegExp(`^${id} +shop +read +never expires`));
    expect(await keys(environment, 'list')).not.toContain(made.trim().split('_').at(-1));
    await keys(environment, 'revoke', id);
    expect((await ask({ authorization: `Bearer ${made.trim()}` })).status).toBe(401);
    child.kill('SIGTERM');
    await once(child, 'exit');
    await server.stop();
  }, 120_000);

  it('starts while database and Temporal are down, and says so when asked', async () => {
    const child = launch({});
    child.stderr.resume();

    const url = await urlOf(child);
    const ready = await fetch(new URL('/readyz', url));

    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({
      checks: { database: { ok: false }, temporal: { ok: false }, assets: { ok: true } },
    });
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  }, 60_000);

  it('ends with the reason when its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const child = launch({ API_PORT: String(port) });
    const [log, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number]>]);

    expect(code).toBe(1);
    expect(log).toContain(`Port ${port} on 127.0.0.1 is in use. Set API_PORT to a free one.`);
    other.close();
  }, 60_000);

  it.each([
    ['a port that is none', { API_PORT: 'many' }, 'API_PORT'],
    ['real providers without a credential', { PROVIDERS: 'real' }, 'MODAL_WORKSPACE'],
    ['a Temporal profile file without a profile', { TEMPORAL_CONFIG_FILE: '/dev/null' }, '[profile.default]'],
  ])(
    'ends with the reason when its environment cannot be used: %s',
    async (_name, environment: Record<string, string>, reason) => {
      const child = launch(environment);
      const [log, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number]>]);

      expect(code).toBe(1);
      expect(log).toContain(reason);
    },
    60_000,
  );
});
