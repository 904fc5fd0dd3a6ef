import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { endLeftoverProcesses, recordProcesses } from '../../local/stack/leftover-processes';
import { processIdentity } from '../../local/stack/process-identity';
import type { Service } from '../../local/stack/service';
import type { RestartBackoff } from '../../local/stack/service-keeper';
import { createSupervisor, type Supervisor } from '../../local/stack/supervisor';
import {
  fakeProgram,
  fakeService,
  linesOf,
  recordLog,
  scratchDirectory,
  standbyProgram,
  untilGone,
  type RecordedLog,
  type ScratchDirectory,
} from './fake-service';
import { waitUntil } from '../support/wait-until';

const quickBackoff = { initialMs: 20, maximumMs: 100, stableMs: 60_000, standbyAfterMs: 0 };

describe('supervisor', () => {
  let directory: ScratchDirectory;
  let events: string;
  let log: RecordedLog;
  let supervisor: Supervisor | undefined;

  function supervise(
    services: readonly Service[],
    { onChange, backoff = quickBackoff }: { onChange?: () => void; backoff?: RestartBackoff } = {},
  ): Supervisor {
    supervisor = createSupervisor({
      services,
      dataDirectory: directory.path,
      logger: log.logger,
      backoff,
      ...(onChange !== undefined && { onChange }),
    });
    return supervisor;
  }

  beforeEach(() => {
    directory = scratchDirectory();
    events = path.join(directory.path, 'events');
    log = recordLog();
  });
  afterEach(async () => {
    await supervisor?.stop();
    directory[Symbol.dispose]();
  });

  it('starts services in order, each when the one before is ready, and stops them in reverse order', async () => {
    const names = ['database', 'worker', 'api'];
    const running = supervise(names.map((name) => fakeService(name, fakeProgram(events, name))));

    await running.start();
    await running.stop();

    expect(linesOf(events)).toEqual([
      ...['started database', 'started worker', 'started api'],
      ...['stopped api', 'stopped worker', 'stopped database'],
    ]);
  });

  it('restarts a service after kill -9, says so, and shows the new process id', async () => {
    const changes: number[] = [];
    const running: Supervisor = supervise([fakeService('worker', fakeProgram(events, 'worker'))], {
      onChange: () => {
        const pid = running.pids()['worker'];
        if (pid !== undefined) changes.push(pid);
      },
    });
    await running.start();
    const firstPid = running.pids()['worker'] ?? 0;

    process.kill(firstPid, 'SIGKILL');
    await log.until('worker is back');

    expect(log.messages()).toContain('worker died (SIGKILL); restarting it at once');
    expect(running.pids()['worker']).not.toBe(firstPid);
    expect(changes).toEqual([running.pids()['worker']]);
  });

  describe('with a process that stands by', () => {
    const standingBy = (): Service =>
      fakeService('worker', standbyProgram(events), { standbyArgs: ['standby'] });
    /** Ids of the processes that have loaded and wait, in order. */
    const waiting = (): number[] =>
      linesOf(events)
        .flatMap((line) => /^waits (.+)/.exec(line)?.[1] ?? [])
        .map(Number);
    const untilWaiting = (count: number): Promise<void> =>
      waitUntil(() => Promise.resolve(waiting().length === count));

    it('goes on with it after kill -9, and makes another stand by', async () => {
      const running = supervise([standingBy()]);
      await running.start();
      await untilWaiting(1);

      process.kill(running.pids()['worker'] ?? 0, 'SIGKILL');
      await log.until('worker is back');

      expect(running.pids()['worker']).toBe(waiting()[0]);
      await untilWaiting(2);
    });

    it('starts anew where the kill comes before one stands by', async () => {
      const running = supervise([standingBy()], { backoff: { ...quickBackoff, standbyAfterMs: 60_000 } });
      await running.start();

      process.kill(running.pids()['worker'] ?? 0, 'SIGKILL');
      await log.until('worker is back');

      expect(waiting()).toEqual([]);
    });

    it('replaces it when it dies itself', async () => {
      await supervise([standingBy()]).start();
      await untilWaiting(1);

      process.kill(waiting()[0] ?? 0, 'SIGKILL');

      await untilWaiting(2);
    });

    it('ends it with the service, without its grace', async () => {
      const running = supervise([standingBy()]);
      await running.start();
      await untilWaiting(1);

      await running.stop();

      expect(processIdentity(waiting()[0] ?? 0)).toBeUndefined();
      expect(linesOf(events).at(-1)).toBe('stopped worker');
    });
  });

  it('restarts at once again what ran well in between, and makes it wait in a row of deaths', async () => {
    const deaths = async (stableMs: number): Promise<string[]> => {
      const running = supervise([fakeService('worker', fakeProgram(events, 'worker'))], {
        backoff: { ...quickBackoff, initialMs: 100, stableMs },
      });
      await running.start();
      for (const kill of [1, 2]) {
        process.kill(running.pids()['worker'] ?? 0, 'SIGKILL');
        await log.until('worker is back', kill);
      }
      await running.stop();
      const told = log.messages().filter((message) => message.includes('died'));
      log = recordLog();
      return told.map((message) => message.replace(/.*; /, ''));
    };

    expect(await deaths(0)).toEqual(['restarting it at once', 'restarting it at once']);
    expect(await deaths(60_000)).toEqual(['restarting it at once', 'restarting it in 0.1 s']);
  });

  it('waits longer and longer, up to the maximum, for a service that keeps dying', async () => {
    let starts = 0;
    const service = fakeService('worker', fakeProgram(events, 'worker'));
    const running = supervise([
      {
        ...service,
        prepare: async () => {
          starts += 1;
          const program = await service.prepare();
          return starts === 1 ? program : { ...program, args: ['-e', 'process.exit(3)'] };
        },
      },
    ]);
    await running.start();

    process.kill(running.pids()['worker'] ?? 0, 'SIGKILL');
    await log.until('restarting it in 0.1 s');

    expect(
      log.messages().filter((message) => message.includes('died before it was ready (exit code 3)')),
    ).not.toEqual([]);
    expect(log.messages().filter((message) => message.includes('restarting')).length).toBeGreaterThanOrEqual(
      3,
    );
  });

  it('fails the start with the last log lines when a service dies before it is ready', async () => {
    const running = supervise([
      fakeService('database', fakeProgram(events, 'database')),
      fakeService('worker', 'console.error("no such table: slots"); process.exit(2)'),
      fakeService('api', fakeProgram(events, 'api')),
    ]);

    await expect(running.start()).rejects.toThrow(
      /^worker died before it was ready \(exit code 2\): no such table: slots\. Log: .*worker\.log$/,
    );
    await running.stop();
    expect(linesOf(events)).toEqual(['started database', 'stopped database']);
  });

  it.each([
    ['its fatal line', ['{"level":30,"msg":"hello"}', '{"level":"fatal","msg":"FAL_KEY: is wrong."}', 'bye']],
    ['its error line', ['/src/main.ts:1', 'TypeError: FAL_KEY: is wrong', '    at main', '', 'Node.js v20']],
    ['its last line', ['{"level":30,"msg":"hello"}', 'FAL_KEY: is wrong', '']],
  ])('names why a service died before it was ready: %s', async (_what, lines) => {
    const program = `for (const line of ${JSON.stringify(lines)}) console.error(line); process.exit(1)`;
    const running = supervise([fakeService('worker', program)]);

    const error: unknown = await running.start().catch((reason: unknown) => reason);

    const [first, ...rest] = String(error).split('\n');
    expect(first).toMatch(/worker died before it was ready \(exit code 1\): .*FAL_KEY: is wrong\. Log: /);
    expect(rest.join('\n')).toBe(lines.join('\n'));
    expect(log.messages()).toEqual([]);
  });

  it('names why a running service died, once', async () => {
    const fatal = JSON.stringify({ level: 60, msg: 'the disk is full' });
    const program = `
      process.on('SIGUSR2', () => { console.error(${JSON.stringify(fatal)}); process.exit(1); });
      ${fakeProgram(events, 'worker')}`;
    const running = supervise([fakeService('worker', program)]);
    await running.start();

    process.kill(running.pids()['worker'] ?? 0, 'SIGUSR2');
    await log.until('worker is back');

    expect(log.messages().filter((message) => message.includes('the disk is full'))).toEqual([
      'worker died (exit code 1): the disk is full; restarting it at once',
    ]);
  });

  it('leaves out the warnings the stack gives itself', async () => {
    const lines = ['provider disabled', 'disk is slow'].map((msg) => JSON.stringify({ level: 40, msg }));
    const program = `for (const line of ${JSON.stringify(lines)}) console.error(line); ${fakeProgram(events, 'worker')}`;
    const running = supervise([fakeService('worker', program, { leftOut: new Set(['provider disabled']) })]);
    await running.start();
    await log.until('disk is slow');
    await running.stop();

    expect(log.messages().filter((message) => !message.includes('is ready'))).toEqual(['disk is slow']);
  });

  it('fails the start when a service is not ready in time, and ends it', async () => {
    const running = supervise([
      fakeService('worker', 'setInterval(() => {}, 1000)', { readyTimeoutMs: 300 }),
    ]);

    await expect(running.start()).rejects.toThrow('worker was not ready after 0.3 s');
    expect(running.pids()).toEqual({});
  });

  it('kills a service that ignores its stop signal', async () => {
    const stubborn = `process.on('SIGTERM', () => {}); ${fakeProgram(events, 'worker').replace(/process\.on\(.*\n/, '')}`;
    const running = supervise([fakeService('worker', stubborn, { stopGraceMs: 100 })]);
    await running.start();
    const pid = running.pids()['worker'] ?? 0;

    await running.stop();

    expect(processIdentity(pid)).toBeUndefined();
  });

  it('can be stopped while a service is still starting', async () => {
    const running = supervise([fakeService('worker', 'console.error("up"); setInterval(() => {}, 1000)')]);
    const started = running.start();
    started.catch(() => undefined);
    while (running.pids()['worker'] === undefined) await new Promise(setImmediate);

    await running.stop();

    await expect(started).rejects.toThrow('worker was stopped before it was ready');
  });

  it('keeps the whole log of a service and shows its warnings only', async () => {
    const lines = ['{"level":30,"msg":"all fine"}', '{"level":"warn","msg":"disk is slow"}', 'plain text'];
    const program = `for (const line of ${JSON.stringify(lines)}) console.error(line); ${fakeProgram(events, 'worker')}`;
    const running = supervise([fakeService('worker', program)]);
    await running.start();
    await log.until('disk is slow');
    await running.stop();

    expect(log.messages()).not.toContain('all fine');
    expect(readFileSync(path.join(directory.path, 'logs', 'worker.log'), 'utf8')).toContain(lines.join('\n'));
  });

  it('leaves nothing running when it is itself killed with kill -9', async () => {
    const loader = pathToFileURL(require.resolve('tsx')).href;
    const script = path.join(__dirname, 'supervisor-process.ts');
    const child = spawn(process.execPath, ['--import', loader, script, directory.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = String(await once(child.stdout, 'data'));
    const pids = z.array(z.number()).parse(JSON.parse(line));

    child.kill('SIGKILL');

    await Promise.all(pids.map(untilGone));
    expect(pids).toHaveLength(2);
  });
});

describe('processes an earlier stack left behind', () => {
  it('are ended at the next start, unless the id now belongs to another process', async () => {
    using directory = scratchDirectory();
    const file = path.join(directory.path, 'processes.json');
    const leftover = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await Promise.all([once(leftover, 'spawn'), once(stranger, 'spawn')]);
    recordProcesses(file, [
      { name: 'worker', identity: processIdentity(leftover.pid ?? 0) ?? '', signal: 'SIGTERM' },
      { name: 'api', identity: `${stranger.pid ?? 0}@another-start`, signal: 'SIGTERM' },
    ]);

    const ended = await endLeftoverProcesses(file);

    expect(ended).toEqual(['worker']);
    expect(processIdentity(stranger.pid ?? 0)).toBeDefined();
    stranger.kill('SIGKILL');
    await once(stranger, 'exit');
  });
});
