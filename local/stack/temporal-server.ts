import { Connection } from '@temporalio/client';
import { SearchAttributeType } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { setTimeout as delay } from 'node:timers/promises';
import * as searchAttributes from '../../src/domain/search-attributes';
import { errorMessage } from './error-message';

const { IndexedValueType } = temporal.api.enums.v1;
const indexedTypes: Partial<Record<SearchAttributeType, temporal.api.enums.v1.IndexedValueType>> = {
  [SearchAttributeType.KEYWORD]: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  [SearchAttributeType.KEYWORD_LIST]: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
  [SearchAttributeType.BOOL]: IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
};

const callTimeoutMs = 2_000;
const pollMs = 100;

/** How to reach a Temporal server, and in which namespace. */
export interface TemporalTarget {
  /** `host:port`. */
  address: string;
  namespace: string;
  /** TLS, API key and headers, as `@temporalio/envconfig` gives them. */
  connection?: Omit<Parameters<typeof Connection.connect>[0] & object, 'address'> | undefined;
}

/** Resolves when the server answers for the namespace. @throws the signal's reason when aborted first. */
export async function waitForTemporal(target: TemporalTarget, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    if ((await temporalProblem(target)) === undefined) return;
    await delay(pollMs, undefined, { signal });
  }
}

/** Why the server does not answer for the namespace; `undefined` when it does. Takes at most some 4 s. */
export async function temporalProblem(target: TemporalTarget): Promise<string | undefined> {
  try {
    await withConnection(target, (connection) =>
      connection.workflowService.describeNamespace({ namespace: target.namespace }),
    );
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

/** Registers the custom search attributes; those already there stay. @throws when the server refuses or is away. */
export async function registerSearchAttributes(target: TemporalTarget): Promise<void> {
  const wanted = Object.values(searchAttributes).map(
    ({ name, type }) => [name, indexedTypes[type] ?? 0] as const,
  );
  await withConnection(target, (connection) =>
    connection.operatorService.addSearchAttributes({
      namespace: target.namespace,
      searchAttributes: Object.fromEntries(wanted),
    }),
  );
}

async function withConnection<T>(
  target: TemporalTarget,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const { address, connection: options } = target;
  const connection = await Connection.connect({ ...options, address, connectTimeout: callTimeoutMs });
  try {
    return await connection.withDeadline(Date.now() + callTimeoutMs, () => work(connection));
  } finally {
    await connection.close();
  }
}
