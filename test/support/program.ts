import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import type { Readable } from 'node:stream';
import { projectDirectory } from '../../local/stack/project-directory';

/** One of the project's programs in a process of its own, with all it said so far. */
export interface Program {
  stdout(): string;
  stderr(): string;
  /** Resolves once the text stands in one of the two streams. @throws Error when the program ends before. */
  until(text: string): Promise<void>;
  /** Stops it where it is, as a machine under load or a debugger does: its ports take connections, and nobody answers. */
  freeze(): void;
  thaw(): void;
  /** Ctrl-C; resolves with the exit code. */
  interrupt(): Promise<number | null>;
  /** Waits for the end; resolves with the exit code. */
  ended(): Promise<number | null>;
}

/** The caller must wait for its end; what is left of it when the tests end is told to stop. */
export function runProgram(file: string, args: readonly string[], environment: NodeJS.ProcessEnv): Program {
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
    cwd: projectDirectory,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stopWithTests = (): void => {
    child.kill('SIGCONT');
    child.kill('SIGINT');
  };
  process.once('exit', stopWithTests);
  const news = new EventEmitter();
  const closed = once(child, 'close').finally(() => {
    process.removeListener('exit', stopWithTests);
    news.emit('news');
  });
  const stdout = collect(child.stdout, news);
  const stderr = collect(child.stderr, news);
  const ended = async (): Promise<number | null> => {
    await closed;
    return child.exitCode;
  };
  return {
    stdout,
    stderr,
    ended,
    async until(text) {
      while (!stdout().includes(text) && !stderr().includes(text)) {
        if (isOver(child)) throw new Error(`it ended without "${text}": ${stderr().slice(-500)}`);
        await once(news, 'news');
      }
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async interrupt() {
      child.kill('SIGINT');
      return await ended();
    },
  };
}

function isOver({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function collect(stream: Readable, news: EventEmitter): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    news.emit('news');
  });
  return () => text;
}
