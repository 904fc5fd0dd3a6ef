import type { JournalEntry } from '../journal';

/** What a PUT asks for. */
export interface NamedOrder {
  path: string;
  body: unknown;
}

export type NamedJobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/** How a job failed: the answer of its route as it stands, or what became of its runner. */
export interface NamedJobError {
  status: number | null;
  contentType: string | null;
  body: string;
  code: 'route_error' | 'runner_lost' | 'runner_error';
}

/** How a job ended. */
export interface NamedJobEnd {
  state: 'succeeded' | 'failed' | 'cancelled';
  /** GPU seconds of all runs. */
  seconds: number;
  /** `null`: nobody says. */
  costUsd: number | null;
  error?: NamedJobError | undefined;
  /** Headers of the route's answer, if it came to one. */
  headers?: Readonly<Record<string, string>> | undefined;
  result?: { mediaType: string; bytes: number; sha256: string } | undefined;
}

/** One accepted job. Knows its own life and how it is told; what it costs is decided by whoever runs it. */
export class NamedJob {
  readonly key: string;
  readonly app: string;
  readonly path: string;
  readonly prompt: string;
  /** Hash of path and body: another one under the same key is another job. */
  readonly digest: string;
  readonly acceptedAt = new Date();
  /** Aborts when somebody stops it. */
  readonly stop = new AbortController();
  /** Absent until it is noted. */
  entry: JournalEntry | undefined;
  /** `null`: claimed, and no function call was spawned for it yet. */
  callId: string | null = null;
  /** Provider seconds after its end in which it still shows as running. */
  stuckSeconds = 0;
  readonly #over = new AbortController();
  #runs = 0;
  #startedAt: Date | undefined;
  #endedAt: Date | undefined;
  #end: NamedJobEnd | undefined;
  #secondsOfEndedRuns = 0;
  #run: { startedMs: number; lengthMs: number; seconds: number } | undefined;

  constructor(order: { key: string; app: string; path: string; prompt: string; digest: string }) {
    this.key = order.key;
    this.app = order.app;
    this.path = order.path;
    this.prompt = order.prompt;
    this.digest = order.digest;
  }

  /** Aborts when it has ended. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  get end(): NamedJobEnd | undefined {
    return this.#end;
  }

  get runs(): number {
    return this.#runs;
  }

  /** Real milliseconds since its end; `undefined` before. */
  get sinceEndMs(): number | undefined {
    return this.#endedAt === undefined ? undefined : Date.now() - this.#endedAt.getTime();
  }

  /** Begins a run that is charged `seconds` when it goes through, and takes `lengthMs` of real time. */
  beginRun(seconds: number, lengthMs: number): void {
    this.#secondsOfEndedRuns = this.spentSeconds();
    this.#startedAt ??= new Date();
    this.#runs += 1;
    this.#run = { startedMs: Date.now(), lengthMs, seconds };
  }

  /** The current run went through its whole time. */
  completeRun(): void {
    this.#secondsOfEndedRuns += this.#run?.seconds ?? 0;
    this.#run = undefined;
  }

  /** GPU seconds up to now: whole runs, and the part of the current one that has gone by. */
  spentSeconds(): number {
    if (this.#run === undefined) return this.#secondsOfEndedRuns;
    const { startedMs, lengthMs, seconds } = this.#run;
    const share = lengthMs > 0 ? Math.min(1, (Date.now() - startedMs) / lengthMs) : 1;
    return this.#secondsOfEndedRuns + share * seconds;
  }

  finish(end: NamedJobEnd): void {
    this.#end = end;
    this.#endedAt = new Date();
    this.#over.abort();
  }

  /** The job state of the wire. `isStuck`: as it would show if nobody had written down its end. */
  view(isStuck = false): Record<string, unknown> & { state: NamedJobState } {
    const end = isStuck ? undefined : this.#end;
    const result = end?.result;
    return {
      key: this.key,
      state: end?.state ?? (this.#runs > 0 ? 'running' : 'queued'),
      callId: this.callId,
      runs: this.#runs,
      acceptedAt: this.acceptedAt.toISOString(),
      startedAt: this.#startedAt?.toISOString() ?? null,
      endedAt: end === undefined ? null : (this.#endedAt?.toISOString() ?? null),
      error: end?.error ?? null,
      seconds: end?.seconds ?? null,
      costUsd: end?.costUsd ?? null,
      headers: ownHeaders(end?.headers),
      mediaType: result?.mediaType ?? null,
      bytes: result?.bytes ?? null,
      sha256: result?.sha256 ?? null,
    };
  }

  /** What a job that has ended bills. */
  billing(): { billed: boolean; seconds: number | null; costUsd: number | null } {
    const { seconds = null, costUsd = null } = this.#end ?? {};
    return { billed: (seconds ?? 0) > 0, seconds, costUsd };
  }
}

/** Those a route sets itself, in lower case. */
function ownHeaders(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries(lower.filter(([name]) => name.startsWith('x-')));
}
