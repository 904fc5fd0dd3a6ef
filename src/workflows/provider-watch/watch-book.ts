import type { OutageReport, ParkedJob } from '../../domain/messages';
import type {
  ProviderWatchInput,
  ProviderWatchRecord,
  ProviderWatchView,
  WatchPolicy,
  WatchState,
} from '../../domain/provider-watch';

/** A provider that was up for so many times as long as it was left alone before is not flapping. */
const steadyFactor = 10;

/** What a watch knows of its provider, and who waits for it. Decides; asks and tells nobody. */
export class WatchBook {
  readonly policy: WatchPolicy;
  private readonly parked: Set<string>;
  /** Woken since the provider is up: one that comes back shows that its calls still fail. */
  private readonly woken = new Set<string>();
  private readonly record: ProviderWatchRecord;
  /** Since the next probe was scheduled, somebody asked for it. */
  isHurried = false;

  constructor(private readonly input: ProviderWatchInput) {
    this.policy = input.policy;
    this.record = input.resumed ?? {
      state: 'checking',
      since: now(),
      failedProbes: 0,
      reopenings: 0,
      wokenJobs: 0,
      unlistedJobs: 0,
      firstDelaySeconds: 0,
      parked: [],
    };
    this.parked = new Set(this.record.parked);
  }

  get provider(): ProviderWatchInput['provider'] {
    return this.input.provider;
  }

  get upSince(): string | undefined {
    return this.record.upSince;
  }

  isDown(): boolean {
    return this.record.state === 'down';
  }

  /** The provider has to be asked before anyone is woken. */
  isInDoubt(): boolean {
    return this.record.state !== 'up';
  }

  isAwaited(): boolean {
    return this.parked.size > 0;
  }

  view(): ProviderWatchView {
    const { state, since, reason, nextProbeAt, failedProbes, reopenings, wokenJobs, unlistedJobs } =
      this.record;
    const counts = { failedProbes, reopenings, wokenJobs, unlistedJobs, parkedJobs: this.parked.size };
    return { provider: this.provider, state, since, reason, nextProbeAt, ...counts };
  }

  /** Everything the next run needs. */
  toRecord(): ProviderWatchRecord {
    return { ...this.record, parked: [...this.parked] };
  }

  /** A breaker opened: calls fail, whatever the health route says. */
  reportOutage({ reason, isDoubt = false, hasServed = false }: OutageReport): void {
    if (this.isDown()) return;
    if (isDoubt) {
      this.doubt(reason);
      return;
    }
    if (this.record.state === 'up') this.reopen(hasServed);
    this.record.firstDelaySeconds = Math.max(this.record.firstDelaySeconds, this.policy.probe.initialSeconds);
    this.enter('down', reason);
  }

  /** A job waits. That one job found no way in is a reason to ask the provider, not to call it down. */
  park({ workflowId }: ParkedJob): void {
    if (this.parked.has(workflowId)) return;
    if (this.woken.delete(workflowId) && this.record.state === 'up') {
      this.reopen();
      this.enter('checking', 'A job that was woken came back.');
    }
    if (this.parked.size >= this.policy.maxParked) {
      this.record.unlistedJobs += 1;
      return;
    }
    this.parked.add(workflowId);
  }

  /** A job waits no longer, for another reason than a wake-up. */
  leave({ workflowId }: ParkedJob): void {
    this.parked.delete(workflowId);
    this.woken.delete(workflowId);
  }

  /** It was up when it was last asked, and may be no longer: by default, because somebody came to wait for it. */
  doubt(reason = 'A job waits for it.'): void {
    if (this.isInDoubt()) return;
    this.record.firstDelaySeconds = 0;
    this.enter('checking', reason);
  }

  /** The next probe need not be waited for. */
  hasten(): void {
    if (this.record.nextProbeAt === undefined) return;
    this.record.nextProbeAt = now();
    this.isHurried = true;
  }

  /** Milliseconds to the next probe; its time is decided once, also across runs. */
  scheduleProbe(jitter: () => number): number {
    const at = Date.now();
    this.isHurried = false;
    if (this.record.nextProbeAt === undefined) {
      const share = 1 + this.policy.jitter * (2 * jitter() - 1);
      this.record.nextProbeAt = new Date(at + Math.round(this.delaySeconds() * share * 1000)).toISOString();
    }
    return Math.max(0, Date.parse(this.record.nextProbeAt) - at);
  }

  answered(): void {
    // A provider that was only doubted has been up all along.
    this.record.upSince ??= now();
    this.record.unlistedJobs = 0;
    this.woken.clear();
    this.enter('up');
  }

  didNotAnswer(reason: string): void {
    this.record.failedProbes += 1;
    this.record.nextProbeAt = undefined;
    this.record.reason = reason;
    if (!this.isDown()) this.enter('down', reason, this.record.failedProbes);
  }

  /** No worker had room for the probe, which says nothing about the provider. */
  wasNotAsked(): void {
    this.record.failedProbes += 1;
    this.record.nextProbeAt = undefined;
  }

  /** The next ones to be woken; they count as woken unless they are given back. */
  take(size: number): string[] {
    const batch = [...this.parked].slice(0, size);
    for (const workflowId of batch) {
      this.parked.delete(workflowId);
      this.woken.add(workflowId);
    }
    this.record.wokenJobs += batch.length;
    return batch;
  }

  giveBack(workflowIds: readonly string[]): void {
    for (const workflowId of workflowIds) {
      this.woken.delete(workflowId);
      this.parked.add(workflowId);
    }
    this.record.wokenJobs -= workflowIds.length;
  }

  /** Growing with every probe that failed, and with every reopening. */
  private delaySeconds(): number {
    const { failedProbes, firstDelaySeconds } = this.record;
    const { initialSeconds, backoffCoefficient, maximumSeconds } = this.policy.probe;
    if (failedProbes === 0) return firstDelaySeconds;
    return Math.min(maximumSeconds, initialSeconds * backoffCoefficient ** (failedProbes - 1));
  }

  /**
   * The provider was called up and fails again. One that does so soon gets longer and longer to recover. One that served
   * calls meanwhile, or was up for a while, has only had another outage, and is probed as after its first.
   */
  private reopen(hasServed = false): void {
    const { canarySeconds, quietSeconds } = this.policy;
    const upForSeconds = (Date.now() - Date.parse(this.record.upSince ?? now())) / 1000;
    const waitedSeconds = this.recoverySeconds();
    const steadySeconds = Math.max(canarySeconds, steadyFactor * waitedSeconds);
    const isFlapping = !hasServed && upForSeconds < Math.min(quietSeconds, steadySeconds);
    this.record.reopenings = isFlapping ? this.record.reopenings + 1 : 0;
    this.record.firstDelaySeconds = this.recoverySeconds();
    this.record.upSince = undefined;
  }

  /** How long it is left alone after so many reopenings. */
  private recoverySeconds(): number {
    const { probe, reopenMaximumSeconds } = this.policy;
    const seconds = probe.initialSeconds * probe.backoffCoefficient ** this.record.reopenings;
    return Math.min(reopenMaximumSeconds, seconds);
  }

  private enter(state: WatchState, reason?: string, failedProbes = 0): void {
    // A probe that is due stays due, whatever else is reported meanwhile.
    const nextProbeAt = this.isInDoubt() && state !== 'up' ? this.record.nextProbeAt : undefined;
    if (state === 'down') this.record.upSince = undefined;
    Object.assign(this.record, { state, reason, failedProbes, nextProbeAt, since: now() });
  }
}

function now(): string {
  return new Date().toISOString();
}
