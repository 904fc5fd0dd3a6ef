import type { GenerationInput, GenerationState } from '../../src/domain/generation';
import type { MessageOutcome, RunDescription, TemporalPort } from '../../src/api/temporal/temporal-port';
import type { EarlierRuns } from '../../src/domain/forgotten';
import type { RetryNowResult, SlotDecisionInput } from '../../src/domain/messages';
import type { ProviderName } from '../../src/domain/taxonomy';

/** Temporal as a test wants it: notes what it is asked, and answers what it was told to. */
export class FakeTemporal implements TemporalPort {
  readonly started: GenerationInput[] = [];
  readonly cancelled: string[] = [];
  /** Decisions and wishes to retry, by workflow. */
  readonly messages: { workflowId: string; decision?: SlotDecisionInput }[] = [];
  /** What the workflow says to them. */
  reply: MessageOutcome<RetryNowResult> = { kind: 'done', result: { slots: [1] } };
  /** Thrown by every call. */
  failure: Error | undefined;
  /** What the workflow says of itself; `undefined`: no worker answers. */
  state: GenerationState | undefined;
  /** `undefined`: there is no such workflow. */
  run: RunDescription | undefined = { status: 'running', calls: [] };

  start(input: GenerationInput): Promise<string | undefined> {
    if (this.failure === undefined) this.started.push(input);
    return this.answer(undefined);
  }

  progress(): Promise<GenerationState> {
    return this.state === undefined
      ? Promise.reject(new Error('no worker answered'))
      : this.answer(this.state);
  }

  /** What runs before a reset knew. */
  earlier: EarlierRuns = { states: [], isComplete: false };

  earlierRuns(): Promise<EarlierRuns> {
    return this.answer(this.earlier);
  }

  listRunning(): Promise<Map<string, string>> {
    return this.answer(new Map<string, string>());
  }

  describe(): Promise<RunDescription | undefined> {
    return this.answer(this.run);
  }

  cancel(workflowId: string): Promise<boolean> {
    if (this.failure === undefined) this.cancelled.push(workflowId);
    return this.answer(this.run?.status === 'running');
  }

  async decideSlot(workflowId: string, decision: SlotDecisionInput): Promise<MessageOutcome<void>> {
    this.messages.push({ workflowId, decision });
    const reply = await this.answer(this.reply);
    return reply.kind === 'done' ? { kind: 'done', result: undefined } : reply;
  }

  retryNow(workflowId: string): Promise<MessageOutcome<RetryNowResult>> {
    this.messages.push({ workflowId });
    return this.answer(this.reply);
  }

  /** Providers it was to ask now. */
  readonly probed: ProviderName[] = [];

  probeNow(provider: ProviderName): Promise<void> {
    this.probed.push(provider);
    return this.answer(undefined);
  }

  ready(): Promise<void> {
    return this.answer(undefined);
  }

  uiUrl(workflowId: string): string {
    return `http://ui.test/${encodeURIComponent(workflowId)}`;
  }

  private answer<Value>(value: Value): Promise<Value> {
    return this.failure === undefined ? Promise.resolve(value) : Promise.reject(this.failure);
  }
}
