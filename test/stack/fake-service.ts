import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pino, type Logger } from 'pino';
import { z } from 'zod';
import { processIdentity } from '../../local/stack/process-identity';
import type { Service } from '../../local/stack/service';

/** A temporary directory that removes itself. */
export interface ScratchDirectory extends Disposable {
  path: string;
}

export function scratchDirectory(): ScratchDirectory {
  const directory = mkdtempSync(path.join(tmpdir(), 'ryla-generation-stack-'));
  return { path: directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Body of a fake child: notes its start and its SIGTERM in `events`, prints the ready line, lives on. */
export function fakeProgram(events: string, name: string): string {
  return `
    const { appendFileSync } = require('node:fs');
    const note = (what) => appendFileSync(${JSON.stringify(events)}, what + ' ' + ${JSON.stringify(name)} + '\\n');
    process.on('SIGTERM', () => { note('stopped'); process.exit(0); });
    note('started');
    process.stdout.write('{"ready":true,"name":"${name}"}\\n');
    setInterval(() => {}, 1000);
  `;
}

/** The same for a service with the standby argument `standby`: so started, it notes its process id and waits to be told. */
export function standbyProgram(events: string): string {
  return `
    const begin = () => { ${fakeProgram(events, 'worker')} };
    if (process.argv.includes('standby')) {
      process.stdin.once('data', begin);
      require('node:fs').appendFileSync(${JSON.stringify(events)}, 'waits ' + process.pid + '\\n');
    } else begin();
  `;
}

/** A service that runs a line of JavaScript and is ready when it prints the ready line. */
export function fakeService(name: string, program: string, overrides: Partial<Service> = {}): Service {
  return {
    name,
    prepare: () =>
      Promise.resolve({ file: process.execPath, args: ['-e', program], cwd: tmpdir(), environment: {} }),
    waitUntilReady: async (readyLine) => {
      await readyLine;
    },
    stopSignal: 'SIGTERM',
    stopGraceMs: 5_000,
    readyTimeoutMs: 10_000,
    showFrom: 'warn',
    ...overrides,
  };
}

const entrySchema = z.object({ msg: z.string() });

export interface RecordedLog {
  logger: Logger;
  messages(): string[];
  /** Resolves with the first message that contains the text, or the nth, also one of the past. */
  until(text: string, nth?: number): Promise<string>;
}

/** A logger whose messages a test can wait for. */
export function recordLog(): RecordedLog {
  const messages: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      messages.push(entrySchema.parse(JSON.parse(chunk.toString())).msg);
      this.emit('message');
      done();
    },
  });
  return {
    logger: pino({ level: 'info' }, stream),
    messages: () => messages,
    async until(text, nth = 1) {
      for (;;) {
        const found = messages.filter((message) => message.includes(text))[nth - 1];
        if (found !== undefined) return found;
        await once(stream, 'message', { signal: AbortSignal.timeout(10_000) });
      }
    },
  };
}

export function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').trim().split('\n');
}

/** Resolves when the process is gone; a process that is not our child gives no event. @throws after 10 s. */
export async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (processIdentity(pid) !== undefined) {
    if (Date.now() > deadline) throw new Error(`process ${pid} still runs`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
