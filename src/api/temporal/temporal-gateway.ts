import {
  Client,
  Connection,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type ConnectionOptions,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { earlierRuns } from '../../domain/earlier-runs';
import type { GenerationState } from '../../domain/generation';
import { progressQueryName } from '../../domain/messages';
import { flowAttribute } from '../../domain/search-attributes';
import { runningCalls } from '../generations/running-calls';
import { startOptions, workflowTypes } from '../generations/start-options';
import { temporalMessages } from './temporal-messages';
import { TemporalUnavailable, type RunStatus, type TemporalPort } from './temporal-port';

export interface TemporalGatewayOptions {
  connection: ConnectionOptions;
  /** Where the workflows are started. */
  taskQueue: string;
  /** Default `default`. */
  namespace?: string | undefined;
  /** Base URL of the Temporal UI; left out: answers carry no link to it. */
  uiUrl?: string | undefined;
}

export interface TemporalGateway extends TemporalPort {
  close(): Promise<void>;
}

/** Together they stay below the five seconds a caller waits at most. */
const reachableMs = 1500;
const startMs = 2500;
const callMs = 2000;
const queryMs = 2000;
/** Nobody waits for it. */
const listMs = 10_000;

/** Connects on first use, so it never fails for a server that is down, and again by itself after an outage. */
export function createTemporalGateway(options: TemporalGatewayOptions): TemporalGateway {
  const { namespace = 'default', uiUrl } = options;
  const connection = Connection.lazy({
    ...options.connection,
    channelArgs: {
      // gRPC's own limit is two minutes: a server that is back would stay "down" for that long.
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': 1000,
      ...options.connection.channelArgs,
    },
  });
  const { workflow } = new Client({ connection, namespace });
  const within = <Answer>(limitMs: number, call: () => Promise<Answer>): Promise<Answer> =>
    connection.withDeadline(Date.now() + limitMs, call);
  const reachable = async (): Promise<void> => {
    await within(reachableMs, () => connection.workflowService.getSystemInfo({})).catch(rethrow);
  };

  return {
    async start(input) {
      // Told apart on purpose: before this answered nothing can have started, after it that is no longer sure.
      await reachable();
      const handle = await within(startMs, () =>
        workflow.start(workflowTypes[input.flowRequest.flow], startOptions(input, options.taskQueue)),
      ).catch(ignoreDoubleStart);
      return handle?.firstExecutionRunId;
    },

    progress: (workflowId) =>
      within(queryMs, () => workflow.getHandle(workflowId).query<GenerationState>(progressQueryName)),

    earlierRuns: (workflowId, runs) => within(queryMs, () => earlierRuns(workflow, workflowId, runs)),

    async listRunning() {
      await reachable();
      const query = `ExecutionStatus = "Running" AND TaskQueue = "${options.taskQueue}" AND ${flowAttribute.name} IS NOT NULL`;
      const runs = new Map<string, string>();
      await within(listMs, async () => {
        for await (const { workflowId, runId } of workflow.list({ query })) runs.set(workflowId, runId);
      }).catch(rethrow);
      return runs;
    },

    async describe(workflowId) {
      const description = await within(callMs, () => workflow.getHandle(workflowId).describe()).catch(
        undefinedWhenNotFound,
      );
      if (description === undefined) return undefined;
      return { status: statusOf(description), calls: runningCalls(description.raw.pendingActivities ?? []) };
    },

    async cancel(workflowId) {
      const request = within(callMs, () => workflow.getHandle(workflowId).cancel());
      const answer = await request.then(() => 'requested' as const).catch(undefinedWhenNotFound);
      return answer === 'requested';
    },

    ...temporalMessages({ workflow, taskQueue: options.taskQueue, reachable, within }),

    async ready() {
      await within(callMs, () => connection.workflowService.describeNamespace({ namespace })).catch(rethrow);
    },

    uiUrl: (workflowId) => (uiUrl === undefined ? undefined : runUrl(uiUrl, namespace, workflowId)),
    close: () => connection.close(),
  };
}

function rethrow(cause: unknown): never {
  throw new TemporalUnavailable('Temporal cannot be reached right now.', { cause });
}

/** The client repeats a start whose answer was lost; ids are never used twice, so the run that exists is ours. */
function ignoreDoubleStart(cause: unknown): undefined {
  if (cause instanceof WorkflowExecutionAlreadyStartedError) return undefined;
  const isRefused = cause instanceof NamespaceNotFoundError;
  // Anything else is a defect on this side of the wire, and nothing was sent.
  if (!isRefused && !(cause instanceof ServiceError)) throw cause;
  const mayHaveStarted = !isRefused && isUnclear(cause);
  const message = mayHaveStarted
    ? 'Temporal did not answer in time.'
    : 'Temporal refused the start. Its configuration may be incomplete.';
  throw new TemporalUnavailable(message, { mayHaveStarted, cause });
}

/** gRPC statuses by which a server clearly says no: https://grpc.io/docs/guides/status-codes/ */
const clearRefusals = new Set([
  3, // INVALID_ARGUMENT, such as a search attribute that is not registered
  5, // NOT_FOUND, such as the namespace
  7, // PERMISSION_DENIED
  8, // RESOURCE_EXHAUSTED
  9, // FAILED_PRECONDITION
  12, // UNIMPLEMENTED
  16, // UNAUTHENTICATED
]);

function isUnclear({ cause }: ServiceError): boolean {
  const code: unknown = cause !== undefined && 'code' in cause ? cause.code : undefined;
  return typeof code !== 'number' || !clearRefusals.has(code);
}

function undefinedWhenNotFound(error: unknown): undefined {
  if (error instanceof WorkflowNotFoundError) return undefined;
  return rethrow(error);
}

const statuses: Readonly<Record<string, RunStatus>> = {
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed_out',
};

function statusOf({ status }: WorkflowExecutionDescription): RunStatus {
  return statuses[status.name] ?? 'running';
}

function runUrl(uiUrl: string, namespace: string, workflowId: string): string {
  const path = `namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
  return `${uiUrl.replace(/\/+$/, '')}/${path}`;
}
