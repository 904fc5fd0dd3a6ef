import { createServer } from 'node:net';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildDirectory } from '../../local/stack/build-programs';
import { freePorts } from '../../local/stack/free-ports';
import { processIdentity } from '../../local/stack/process-identity';
import { Stack } from '../../local/stack/stack';
import { readStackFile } from '../../local/stack/stack-file';
import { freeStackPorts, type StackOptions } from '../../local/stack/stack-options';
import { startTemporalServer, type TemporalTestServer } from '../support/temporal';
import { recordLog, scratchDirectory, type RecordedLog, type ScratchDirectory } from './fake-service';

const emulatorUrls = { control: 'http://c', modal: 'http://m', fal: 'http://f', comfyui: 'http://u' };

/** Stand-ins for our own programs: they print the ready line and live until they are told to stop. */
function fakeProject(directory: string): string {
  const programs = {
    emulator: JSON.stringify({ ready: true, ...emulatorUrls }),
    worker: '{"ready":true}',
    api: '{"ready":true,"url":"http://127.0.0.1:PORT"}',
  };
  for (const sources of ['src', 'emulator', 'local/stack'])
    mkdirSync(path.join(directory, sources), { recursive: true });
  for (const [name, readyLine] of Object.entries(programs)) {
    const build = path.join(buildDirectory(directory), name);
    mkdirSync(build, { recursive: true });
    const program = `console.log('${readyLine}'.replace('PORT', process.env.API_PORT)); setInterval(() => {}, 1000);`;
    writeFileSync(path.join(build, 'main.js'), program);
  }
  return directory;
}

describe('the local stack', () => {
  let temporal: TemporalTestServer;
  let scratch: ScratchDirectory;
  let log: RecordedLog;
  let stacks: Stack[];

  beforeAll(async () => {
    temporal = await startTemporalServer();
  });
  afterAll(async () => {
    await temporal.stop();
  });
  beforeEach(() => {
    scratch = scratchDirectory();
    log = recordLog();
    stacks = [];
  });
  afterEach(async () => {
    for (const stack of stacks) await stack.stop();
    scratch[Symbol.dispose]();
  });

  async function options(environment: NodeJS.ProcessEnv = {}): Promise<StackOptions> {
    return {
      projectDirectory: fakeProject(path.join(scratch.path, 'project')),
      dataDirectory: path.join(scratch.path, 'data'),
      ports: { ...(await freeStackPorts()), temporal: 1 },
      environment: {
        PATH: process.env['PATH'],
        HOME: scratch.path,
        TEMPORAL_ADDRESS: temporal.address,
        DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
        ...environment,
      },
      logger: log.logger,
    };
  }

  function create(stackOptions: StackOptions): Stack {
    const stack = new Stack(stackOptions);
    stacks.push(stack);
    return stack;
  }

  it('writes where everything is once all is ready, and takes it away at the stop', async () => {
    const stackOptions = await options({ TEMPORAL_UI_URL: 'http://ui' });
    const stack = create(stackOptions);

    const description = await stack.start();

    expect(description).toEqual({
      api: `http://127.0.0.1:${stackOptions.ports.api}`,
      temporal: temporal.address,
      namespace: 'default',
      temporalUi: 'http://ui',
      emulator: emulatorUrls,
      pids: description.pids,
    });
    expect(Object.keys(description.pids)).toEqual(['supervisor', 'emulator', 'worker', 'api']);
    for (const pid of Object.values(description.pids)) expect(processIdentity(pid)).toBeDefined();
    expect(readStackFile(stackOptions.dataDirectory)).toEqual(description);
    await stack.stop();
    expect(readStackFile(stackOptions.dataDirectory)).toBeUndefined();
    expect(processIdentity(description.pids['api'] ?? 0)).toBeUndefined();
  });

  it('brings a killed process back and puts its new id into stack.json', async () => {
    const stackOptions = await options();
    const { pids } = await create(stackOptions).start();

    process.kill(pids['worker'] ?? 0, 'SIGKILL');
    await log.until('worker is back');

    const after = readStackFile(stackOptions.dataDirectory)?.pids;
    expect(after?.['worker']).toEqual(expect.any(Number));
    expect(after?.['worker']).not.toBe(pids['worker']);
    expect(after?.['api']).toBe(pids['api']);
  });

  it('runs as many workers as it is told to, and brings each back by its own name', async () => {
    const stackOptions = { ...(await options()), workers: 2 };
    const { pids } = await create(stackOptions).start();
    expect(Object.keys(pids)).toEqual(['supervisor', 'emulator', 'worker', 'worker-2', 'api']);

    process.kill(pids['worker-2'] ?? 0, 'SIGKILL');
    await log.until('worker-2 is back');

    const after = readStackFile(stackOptions.dataDirectory)?.pids;
    expect(after?.['worker-2']).not.toBe(pids['worker-2']);
    expect(after?.['worker']).toBe(pids['worker']);
  });

  it('refuses a second start in the same data directory and says where the first one is', async () => {
    const stackOptions = await options();
    const { api } = await create(stackOptions).start();

    const second = create({ ...stackOptions, ports: (await options()).ports });

    await expect(second.start()).rejects.toThrow(new RegExp(`A stack already runs on .*\\n +API +${api}\\n`));
    await second.stop();
    expect(readStackFile(stackOptions.dataDirectory)?.api).toBe(api);
  });

  it('names a busy port and its option before anything is started', async () => {
    const stackOptions = await options();
    const squatter = createServer().listen(stackOptions.ports.api, '127.0.0.1');

    await expect(create(stackOptions).start()).rejects.toThrow(
      `Port ${stackOptions.ports.api} (API) is in use; choose another with --api-port <port>.`,
    );
    squatter.close();
    expect(existsSync(path.join(stackOptions.dataDirectory, 'logs'))).toBe(false);
  });

  it('emulates nothing as soon as one real credential is set, and names what is disabled', async () => {
    const { emulator, pids } = await create(await options({ FAL_KEY: 'key' })).start();

    expect(emulator).toBeNull();
    expect(Object.keys(pids)).toEqual(['supervisor', 'worker', 'api']);
    expect(log.messages().filter((message) => message.includes('is disabled'))).toEqual([
      'provider modal is disabled: set MODAL_WORKSPACE or MODAL_BASE_URL to enable it',
      'provider comfyui is disabled: set COMFYUI_URL to enable it',
    ]);
  });

  it.each([
    [{}, 'providers: all emulated, since no real credential is set'],
    [{ PROVIDERS: 'emulated', FAL_KEY: 'key' }, 'providers: all emulated, since PROVIDERS=emulated'],
  ])('says which of the two reasons it has to emulate: %j', async (environment, message) => {
    await create(await options(environment)).start();

    expect(log.messages().filter((line) => line.startsWith('providers:'))).toEqual([message]);
  });

  it('keeps pictures of emulated and of real providers in different data directories', async () => {
    const emulated = await options();
    const real = { ...emulated, environment: { ...emulated.environment, FAL_KEY: 'key' } };
    const directory = emulated.dataDirectory;
    await create(emulated).start();
    await stacks[0]?.stop();
    const picture = path.join(directory, 'assets', 'picture');
    writeFileSync(picture, 'x');

    for (const fresh of [false, true]) {
      const refused = create({ ...real, fresh });
      await expect(refused.start()).rejects.toThrow(
        `${directory} holds data of emulated providers, but providers are now real. ` +
          'Choose another directory with --data-dir <directory>.',
      );
      await refused.stop();
    }
    expect(existsSync(picture)).toBe(true);
    await create(emulated).start();
    await stacks.at(-1)?.stop();
    await create({ ...real, dataDirectory: path.join(scratch.path, 'real') }).start();
  });

  it('names the variable that keeps the emulator, the worker or the API from starting', async () => {
    const broken = { ...(await options()), projectDirectory: path.resolve(__dirname, '..', '..') };
    broken.environment['EMULATOR_TIME_SCALE'] = 'abc';

    await expect(create(broken).start()).rejects.toThrow(
      /^emulator died before it was ready \(exit code 1\): EMULATOR_TIME_SCALE: .* Log: .*emulator\.log$/,
    );
  });

  it('tells a disabled provider once, by its name, though the worker reports it too', async () => {
    const real = await options({ FAL_KEY: 'key' });

    await expect(
      create({ ...real, projectDirectory: path.resolve(__dirname, '..', '..') }).start(),
    ).rejects.toThrow(/^worker died before it was ready \(exit code 1\): .*ECONNREFUSED/);

    const workerLog = readFileSync(path.join(real.dataDirectory, 'logs', 'worker.log'), 'utf8');
    expect(workerLog).toContain('provider disabled');
    expect(log.messages().filter((message) => message.includes('disabled'))).toEqual([
      'provider modal is disabled: set MODAL_WORKSPACE or MODAL_BASE_URL to enable it',
      'provider comfyui is disabled: set COMFYUI_URL to enable it',
    ]);
  });

  it('says so when the configured Temporal server cannot be used', async () => {
    const [nobody = 0] = await freePorts(1);

    await expect(create(await options({ TEMPORAL_ADDRESS: `127.0.0.1:${nobody}` })).start()).rejects.toThrow(
      `The configured Temporal server 127.0.0.1:${nobody} cannot be used`,
    );
  });

  it('starts from nothing when asked to, but never empties a directory that is not its own', async () => {
    const stackOptions = { ...(await options()), fresh: true };
    const old = path.join(stackOptions.dataDirectory, 'assets', 'old-picture');
    await create(stackOptions).start();
    await stacks[0]?.stop();
    writeFileSync(old, 'x');

    await create(stackOptions).start();
    expect(existsSync(old)).toBe(false);

    const home = path.join(scratch.path, 'home');
    mkdirSync(home);
    writeFileSync(path.join(home, 'thesis.doc'), 'x');
    await expect(create({ ...stackOptions, dataDirectory: home }).start()).rejects.toThrow(
      'choose another --data-dir',
    );
    expect(existsSync(path.join(home, 'thesis.doc'))).toBe(true);
  });
});
