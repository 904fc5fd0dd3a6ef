import {
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type OutageReport,
  type ParkedJob,
  leaveSignalName,
  outageSignalName,
  parkSignalName,
  probeNowSignalName,
} from '../../domain/messages';
import type { ParkedCount, ProviderHealthRecord } from '../../domain/provider-health';
import {
  type ProviderWatchInput,
  type ProviderWatchSummary,
  type ProviderWatchView,
  healthQueryName,
} from '../../domain/provider-watch';
import { providerAttribute, providerHealthAttribute } from '../../domain/search-attributes';
import { HealthJournal } from './health-journal';
import { probe, wake } from './watch-activities';
import { WatchBook } from './watch-book';

const outageSignal = defineSignal<[OutageReport]>(outageSignalName);
const parkSignal = defineSignal<[ParkedJob]>(parkSignalName);
const leaveSignal = defineSignal<[ParkedJob]>(leaveSignalName);
const probeNowSignal = defineSignal(probeNowSignalName);
const healthQuery = defineQuery<ProviderWatchView>(healthQueryName);

/** Longest time a wake-up waits for the database to know that the provider is up. */
const recordLimitMs = 30_000;
/** Longest time a watch that is no longer needed stays for the database. */
const lastRecordLimitMs = 24 * 3600 * 1000;

/**
 * Watches over one provider from the moment its calls fail until all is quiet: asks it until it answers, then wakes
 * the jobs that wait for it, a few of them first. Ends by itself; the next report begins a new watch.
 *
 * @throws CancelledFailure when it was cancelled; the provider then counts as up, and every job was woken to see for
 * itself.
 */
export async function providerWatch(input: ProviderWatchInput): Promise<ProviderWatchSummary> {
  const watch = new Watch(new WatchBook(input));
  try {
    await watch.run();
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => watch.letGo());
    throw error;
  }
  return watch.summary();
}

class Watch {
  private readonly journal = new HealthJournal(() => healthOf(this.book.view()));
  private announced = '';

  constructor(private readonly book: WatchBook) {
    setHandler(healthQuery, () => book.view());
    setHandler(parkSignal, (job) => {
      book.park(job);
      this.counted();
    });
    setHandler(leaveSignal, (job) => {
      book.leave(job);
      this.counted();
    });
    setHandler(outageSignal, (report) => {
      const wasDown = book.isDown();
      book.reportOutage(report);
      if (!wasDown) this.changed();
    });
    setHandler(probeNowSignal, () => book.hasten());
  }

  async run(): Promise<void> {
    for (;;) {
      await this.askUntilAnswered();
      await this.wakeEveryone();
      if (!(await this.isQuiet())) continue;
      // A result is final: a message that came in while the database was awaited still counts.
      await condition(() => this.journal.isIdle || this.isNeeded(), lastRecordLimitMs);
      if (!this.isNeeded()) return;
    }
  }

  /** Nobody watches from here on: everyone who waits looks for himself. */
  async letGo(): Promise<void> {
    this.book.answered();
    this.changed();
    await this.journal.settled(recordLimitMs);
    while (this.book.isAwaited() && (await this.wakeSome(this.book.policy.batchSize)));
    this.changed();
    await this.journal.settled(recordLimitMs);
  }

  summary(): ProviderWatchSummary {
    const { provider, wokenJobs } = this.book.view();
    return { provider, wokenJobs, upSince: this.book.upSince };
  }

  private async askUntilAnswered(): Promise<void> {
    const { book } = this;
    while (book.isInDoubt()) {
      const waitMs = book.scheduleProbe(Math.random);
      this.changed();
      await this.restIfLong();
      if (waitMs > 0) await condition(() => book.isHurried, waitMs);
      const { kind, detail } = await probe(book.provider);
      if (kind === 'answered') await this.openUp();
      else if (kind === 'silent') book.didNotAnswer(detail);
      else book.wasNotAsked();
    }
  }

  /** Jobs are only sent back once every worker knows that they may call again. */
  private async openUp(): Promise<void> {
    const { book } = this;
    const wasDown = book.isDown();
    book.answered();
    this.changed();
    if (!wasDown || !book.isAwaited()) return;
    await this.journal.settled(recordLimitMs);
    await this.pause(book.policy.settleSeconds);
  }

  private async wakeEveryone(): Promise<void> {
    const { policy } = this.book;
    if (!this.book.isAwaited()) return;
    let [size, pauseSeconds] = [policy.canaries, policy.canarySeconds];
    while (this.book.isAwaited() && !this.book.isInDoubt()) {
      await this.restIfLong();
      await this.wakeSome(size);
      if (this.book.isAwaited()) await this.pause(pauseSeconds);
      [size, pauseSeconds] = [policy.batchSize, policy.batchPauseSeconds];
    }
    this.changed();
  }

  /** Returns whether anyone was reached. */
  private async wakeSome(size: number): Promise<boolean> {
    const batch = this.book.take(size);
    let missed = batch;
    try {
      missed = await wake(this.book.provider, batch);
    } finally {
      this.book.giveBack(missed);
      this.counted();
    }
    return missed.length < batch.length;
  }

  /** Whether the provider stays up, with nobody waiting for it, for the whole quiet time. */
  private async isQuiet(): Promise<boolean> {
    const hasWork = await condition(() => this.isNeeded(), this.book.policy.quietSeconds * 1000);
    if (hasWork) this.book.doubt();
    return !hasWork;
  }

  private isNeeded(): boolean {
    return this.book.isInDoubt() || this.book.isAwaited();
  }

  /** Ends early when the provider fails again. */
  private async pause(seconds: number): Promise<void> {
    await condition(() => this.book.isInDoubt(), seconds * 1000);
  }

  /** A history has an end, an outage may not: the rest of it gets a fresh one. */
  private async restIfLong(): Promise<void> {
    if (!workflowInfo().continueAsNewSuggested) return;
    const { provider, policy } = this.book;
    await continueAsNew<typeof providerWatch>({ provider, policy, resumed: this.book.toRecord() });
  }

  private changed(): void {
    this.journal.touch();
    this.show();
  }

  private counted(): void {
    this.journal.touchLater();
    this.show();
  }

  private show(): void {
    const view = this.book.view();
    setCurrentDetails(watchDetails(view));
    if (view.state === this.announced) return;
    this.announced = view.state;
    upsertSearchAttributes([
      { key: providerAttribute, value: [view.provider] },
      { key: providerHealthAttribute, value: view.state },
    ]);
  }
}

/** A provider that nobody has asked yet has no health to speak of, but jobs may wait for it. */
function healthOf({ state, ...view }: ProviderWatchView): ProviderHealthRecord | ParkedCount {
  const { provider, since, reason, nextProbeAt, parkedJobs } = view;
  if (state === 'checking') return { provider, parkedJobs };
  return { provider, state, since, reason, nextProbeAt, parkedJobs };
}

/** What the Temporal UI shows as current details of a watch (Markdown). */
function watchDetails(view: ProviderWatchView): string {
  const lines = [
    `**${view.provider} is ${view.state === 'checking' ? 'being checked' : view.state}** since ${view.since}`,
    ...(view.reason === undefined ? [] : ['', view.reason]),
    '',
    '| next probe | probes failed | reopened | jobs waiting | jobs woken |',
    '| --- | --- | --- | --- | --- |',
    `| ${[view.nextProbeAt ?? '', view.failedProbes, view.reopenings, view.parkedJobs, view.wokenJobs].join(' | ')} |`,
  ];
  const unlisted = `${view.unlistedJobs} more jobs wait; their own timers wake them.`;
  return [...lines, ...(view.unlistedJobs === 0 ? [] : ['', unlisted])].join('\n');
}
