import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { exchange, json } from './support/exchange';

const root = join(__dirname, '../..');
const freePorts = {
  EMULATOR_CONTROL_PORT: '0',
  EMULATOR_MODAL_PORT: '0',
  EMULATOR_FAL_PORT: '0',
  EMULATOR_COMFYUI_PORT: '0',
};

let child: ChildProcessByStdio<null, Readable, Readable> | undefined;
afterEach(() => child?.kill('SIGKILL'));

function start(environment: Record<string, string>): ChildProcessByStdio<null, Readable, Readable> {
  const { PATH = '', HOME = '' } = process.env;
  child = spawn(process.execPath, ['--import', 'tsx', 'emulator/main.ts'], {
    cwd: root,
    env: { PATH, HOME, ...freePorts, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return child;
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

describe('the emulator process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'prints one ready line with its URLs and stops cleanly on %s',
    async (signal) => {
      const emulator = start({ EMULATOR_SEED: '9', EMULATOR_MODAL_JOBS: 'plain' });
      const exit = once(emulator, 'exit');
      const lines: string[] = [];
      const reader = createInterface(emulator.stdout);
      reader.on('line', (line) => lines.push(line));
      await once(reader, 'line');
      const ready = JSON.parse(lines[0] ?? '') as Record<string, string | boolean>;
      const health = json(await exchange('GET', `${String(ready['control'])}/control/health`));
      const settings = json(await exchange('GET', `${String(ready['control'])}/control/settings`));
      emulator.kill(signal);

      expect(ready).toMatchObject({
        ready: true,
        modal: expect.any(String) as unknown,
        fal: expect.any(String) as unknown,
        comfyui: expect.any(String) as unknown,
      });
      expect(health).toMatchObject({ status: 'ok', seed: 9 });
      expect(settings).toMatchObject({ modal: { jobs: 'plain' } });
      expect(await exit).toEqual([0, null]);
      expect(lines).toHaveLength(1);
    },
  );

  it('says which port is in use and how to choose another', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    const emulator = start({ EMULATOR_FAL_PORT: String(port) });
    const [[code], message] = await Promise.all([
      once(emulator, 'exit') as Promise<[number]>,
      textOf(emulator.stderr),
    ]);
    blocker.close();

    expect(code).toBe(1);
    expect(message).toContain(`Port ${port} is in use: set EMULATOR_FAL_PORT`);
  });

  it('names an environment variable it cannot use', async () => {
    const emulator = start({ EMULATOR_TIME_SCALE: 'fast' });
    const [[code], message] = await Promise.all([
      once(emulator, 'exit') as Promise<[number]>,
      textOf(emulator.stderr),
    ]);
    expect([code, message]).toEqual([1, expect.stringContaining('EMULATOR_TIME_SCALE')]);
  });
});
