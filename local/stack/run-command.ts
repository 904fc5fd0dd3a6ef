import { spawn, type ChildProcess } from 'node:child_process';

export interface CommandOptions {
  environment?: NodeJS.ProcessEnv | undefined;
  cwd?: string | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
  /** Milliseconds until the command is killed; default 10,000. */
  timeoutMs?: number | undefined;
  /** Called with each complete line of standard output or standard error. */
  onLine?: ((line: string) => void) | undefined;
  /** Given to its standard input, which is empty otherwise. */
  input?: string | undefined;
}

export interface CommandResult {
  ok: boolean;
  /** The last 8 kB of standard output and standard error. */
  output: string;
  /** A sentence for people; empty when `ok`. */
  problem: string;
}

const keptOutputCharacters = 8_192;

/** Runs a program to its end. Never throws: a program that is missing, fails or hangs gives `ok: false`. */
export function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const timeoutMs = options.timeoutMs ?? 10_000;
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: true,
      ...(options.environment !== undefined && { env: options.environment }),
      ...(options.cwd !== undefined && { cwd: options.cwd }),
      ...(options.uid !== undefined && { uid: options.uid }),
      ...(options.gid !== undefined && { gid: options.gid }),
    });
    const output = collectOutput(child, options.onLine);
    // Its exit code tells of a program that does not read to the end.
    child.stdin?.on('error', () => undefined).end(options.input);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child);
    }, timeoutMs);
    const settle = (problem: string): void => {
      clearTimeout(timer);
      untrack();
      resolve({ ok: problem === '', output: output(), problem });
    };
    const untrack = killWithParent(child);
    child.once('error', (error) => settle(error.message));
    child.once('close', (code, signal) => settle(problemOf(code, signal, timedOut ? timeoutMs : undefined)));
  });
}

function problemOf(code: number | null, signal: string | null, timedOutMs: number | undefined): string {
  if (timedOutMs !== undefined) return `gave no result within ${timedOutMs / 1000} s`;
  if (code === 0) return '';
  return code === null ? `was ended by ${signal ?? 'a signal'}` : `ended with exit code ${code}`;
}

/** A group of its own, so that a timeout also ends what the program started itself (compilers, a test server). */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

function killWithParent(child: ChildProcess): () => void {
  const onExit = (): void => killGroup(child);
  process.once('exit', onExit);
  return () => process.removeListener('exit', onExit);
}

function collectOutput(child: ChildProcess, onLine: ((line: string) => void) | undefined): () => string {
  let kept = '';
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      kept = (kept + chunk).slice(-keptOutputCharacters);
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine?.(line);
    });
  }
  return () => kept.trim();
}
