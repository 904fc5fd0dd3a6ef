import { freePorts } from '../../local/stack/free-ports';
import { readStackFile } from '../../local/stack/stack-file';
import { runProgram } from '../support/program';
import { scratchDirectory } from '../stack/fake-service';

/** First of as many free ports in a row as `npm start` takes. */
async function freePortBase(): Promise<number> {
  for (;;) {
    const ports = await freePorts(35);
    const [first = 0] = ports;
    if (ports.at(-1) === first + 34) return first;
  }
}

describe('npm start', () => {
  it('prints where everything is once all is ready, and leaves nothing running after Ctrl-C', async () => {
    using directory = scratchDirectory();
    const base = await freePortBase();
    const args = ['--port-base', String(base), '--data-dir', directory.path];
    const start = runProgram('local/start.ts', args, { PROVIDERS: 'emulated' });
    await start.until('Ctrl-C stops it');

    const description = readStackFile(directory.path)!;
    const { api, temporal, temporalUi, emulator, pids } = description;
    expect(api).toBe(`http://127.0.0.1:${base}`);
    for (const url of [api, temporal, temporalUi, ...Object.values(emulator ?? {})]) {
      expect(start.stdout()).toContain(url);
    }
    expect((await fetch(`${api}/readyz`)).status).toBe(200);
    expect((await fetch(temporalUi!)).status).toBe(200);

    expect(await start.interrupt()).toBe(0);
    expect(readStackFile(directory.path)).toBeUndefined();
    const isAlive = (pid: number): boolean => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    expect(Object.entries(pids).filter(([, pid]) => isAlive(pid))).toEqual([]);
  }, 120_000);
});
