import type { GenerationInput, GenerationState } from '../../src/domain/generation';
import type { RunDescription, TemporalPort } from '../../src/api/temporal-port';

/** Temporal as a test wants it: notes what it is asked, and answers what it was told to. */
export class FakeTemporal implements TemporalPort {
  readonly started: GenerationInput[] = [];
  readonly cancelled: string[] = [];
  /** Thrown by every call. */
  failure: Error | undefined;
  /** What the workflow says of itself; `undefined`: no worker answers. */
  state: GenerationState | undefined;
  /** `undefined`: there is no such workflow. */
  run: RunDescription | undefined = { status: 'running', calls: [] };

  async start(input: GenerationInput): Promise<void> {
    this.failIfTold();
    this.started.push(input);
  }

  async progress(): Promise<GenerationState> {
    this.failIfTold();
    if (this.state === undefined) throw new Error('no worker answered');
    return this.state;
  }

  async describe(): Promise<RunDescription | undefined> {
    this.failIfTold();
    return this.run;
  }

  async cancel(workflowId: string): Promise<boolean> {
    this.failIfTold();
    this.cancelled.push(workflowId);
    return this.run?.status === 'running';
  }

  async ready(): Promise<void> {
    this.failIfTold();
  }

  uiUrl(workflowId: string): string {
    return `http://ui.test/${encodeURIComponent(workflowId)}`;
  }

  private failIfTold(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}
