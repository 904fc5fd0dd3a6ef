import type { ProviderId } from './provider-id';

export type JobOutcome = 'running' | 'succeeded' | 'failed' | 'cancelled' | 'lost';

/** What is known of a job when it is accepted. */
export interface AcceptedJob {
  provider: ProviderId;
  /** Modal path, Fal endpoint id, or the ComfyUI flow the graph amounts to. */
  endpoint: string;
  app?: string | undefined;
  bodyHash: string;
  /** The body as sent, input pictures replaced by their hash and size. */
  body: unknown;
  /** Pictures the body names without holding them (ComfyUI uploads). */
  inputs?: { name: string; sha256: string; bytes: number }[] | undefined;
  clientId?: string | undefined;
  promptId?: string | undefined;
  requestId?: string | undefined;
  callId?: string | undefined;
  /** Key of a named Modal job. */
  jobKey?: string | undefined;
  width?: number | undefined;
  height?: number | undefined;
  seed?: number | undefined;
  /** The caller asked for no retries. */
  noRetry?: boolean | undefined;
}

/** One paid job. */
export interface JournalEntry extends AcceptedJob {
  n: number;
  paid: true;
  /** ISO 8601, real time. */
  at: string;
  startedAt: string;
  finishedAt?: string | undefined;
  outcome: JobOutcome;
  chargedUsd: number;
  /** Units of the bill, where the provider bills by units: `chargedUsd` is this times the unit price. */
  billableUnits?: number | undefined;
  /** The call-back its caller asked for. */
  webhook?: { url: string; tries: number; delivered: boolean } | undefined;
  /** Whether the whole answer with the result left this process over an open connection. */
  responseDelivered: boolean;
}

/** A request that was refused before any work: nothing was charged for it. */
export interface Rejection {
  n: number;
  paid: false;
  at: string;
  provider: ProviderId;
  endpoint: string;
  app?: string | undefined;
  jobKey?: string | undefined;
  status: number;
  reason: string;
}

export interface JournalPage {
  entries: JournalEntry[];
  rejections: Rejection[];
  totals: {
    accepted: number;
    chargedUsd: number;
    byProvider: Record<string, { accepted: number; chargedUsd: number }>;
  };
}

/** The ledger: every paid job and every refusal since the start or the last clearing, in memory only. */
export class Journal {
  #entries: JournalEntry[] = [];
  #rejections: Rejection[] = [];
  #last = 0;

  accept(job: AcceptedJob): JournalEntry {
    const at = new Date().toISOString();
    const entry: JournalEntry = {
      n: (this.#last += 1),
      at,
      ...job,
      paid: true,
      startedAt: at,
      outcome: 'running',
      chargedUsd: 0,
      responseDelivered: false,
    };
    this.#entries.push(entry);
    return entry;
  }

  /** Closes a job; a job that is closed already keeps its first outcome. */
  finish(entry: JournalEntry, outcome: Exclude<JobOutcome, 'running'>, chargedUsd: number): void {
    if (entry.outcome !== 'running') return;
    entry.outcome = outcome;
    entry.chargedUsd = roundUsd(chargedUsd);
    entry.finishedAt = new Date().toISOString();
  }

  reject(rejection: Omit<Rejection, 'n' | 'at' | 'paid'>): void {
    this.#rejections.push({ n: (this.#last += 1), at: new Date().toISOString(), paid: false, ...rejection });
  }

  /** Everything after number `since`; totals cover what is listed. */
  read(filter: { provider?: ProviderId | undefined; since?: number | undefined } = {}): JournalPage {
    const wanted = (item: { n: number; provider: ProviderId }): boolean =>
      item.n > (filter.since ?? 0) && (filter.provider === undefined || item.provider === filter.provider);
    const entries = this.#entries.filter(wanted);
    return { entries, rejections: this.#rejections.filter(wanted), totals: totalsOf(entries) };
  }

  /** Forgets everything. Numbers go on, so `since` stays usable. */
  clear(): void {
    this.#entries = [];
    this.#rejections = [];
  }
}

function totalsOf(entries: readonly JournalEntry[]): JournalPage['totals'] {
  const byProvider: JournalPage['totals']['byProvider'] = {};
  for (const { provider, chargedUsd } of entries) {
    const sum = (byProvider[provider] ??= { accepted: 0, chargedUsd: 0 });
    sum.accepted += 1;
    sum.chargedUsd = roundUsd(sum.chargedUsd + chargedUsd);
  }
  const chargedUsd = roundUsd(entries.reduce((total, entry) => total + entry.chargedUsd, 0));
  return { accepted: entries.length, chargedUsd, byProvider };
}

function roundUsd(usd: number): number {
  return Math.round(usd * 1_000_000) / 1_000_000;
}
