import { Context } from '@temporalio/activity';
import type { Billing } from '../domain/attempt-record';
import type { DispatchState } from '../domain/dispatch';
import type { PlannedCandidate } from '../domain/plan';
import type { StoredAsset } from '../domain/stored-asset';
import { ProviderError } from '../providers/errors';
import type { ProviderClient, ProviderJob } from '../providers/types';
import { costOfCharge, costOfResult } from './charge';
import { providerJobOf, type GenerateMediaDependencies } from './generate-media';

export interface SettleJobInput {
  jobKey: string;
  candidate: PlannedCandidate;
  dispatch: DispatchState;
  /** See `GenerateMediaInput.knownRequestIds`. */
  knownRequestIds?: string[] | undefined;
}

/** What became of a provider job that nobody waits for any more. */
export type SettleJobResult =
  | { kind: 'settled'; settlement: Settlement }
  /** Ask again later. */
  | { kind: 'unsettled'; reason: string };

/** What a provider job came to, for good. */
export interface Settlement {
  /** `not_sent`: it was never accepted, and never will be. */
  certainty: 'not_sent' | 'accepted';
  costUsd: number;
  costEstimated: boolean;
  billing?: Billing | undefined;
  /** It was made all the same, before it could be stopped. */
  asset?: StoredAsset | undefined;
  providerRequestId?: string | undefined;
}

/** Longest time one look may take, in ms; below the activity's own limits. */
const stopMs = 15_000;
const collectMs = 90_000;

/** Stops a provider job, or collects it where it ended before it could be stopped. Safe to repeat. */
export function createSettleJob({ clients, media }: GenerateMediaDependencies) {
  return async function settleJob(input: SettleJobInput): Promise<SettleJobResult> {
    const context = Context.current();
    context.heartbeat();
    const beating = setInterval(() => {
      context.heartbeat();
    }, 5000);
    try {
      const { candidate, dispatch, jobKey } = input;
      const client = clients[candidate.provider];
      if (client === undefined)
        return { kind: 'unsettled', reason: `${candidate.provider} is disabled on this worker` };
      const job = { ...providerJobOf(candidate, jobKey), knownRequestIds: input.knownRequestIds };
      const stopped = await client.stop({ ...job, dispatch }, { signal: AbortSignal.timeout(stopMs) });
      switch (stopped.kind) {
        case 'never':
          return settled({ certainty: 'not_sent', costUsd: 0, costEstimated: false });
        case 'stopped': {
          const { handle, charge } = stopped;
          if (handle !== undefined) return await collectLate(client, { job, candidate, handle }, media);
          const { costUsd = 0, costEstimated = false } = costOfCharge(charge, candidate.priceUsd);
          return settled({ certainty: 'accepted', costUsd, costEstimated });
        }
        case 'unstoppable':
        case 'finished':
          return await collectLate(client, { job, candidate, handle: stopped.handle }, media);
        case 'cannot_tell':
          return { kind: 'unsettled', reason: stopped.reason };
      }
    } finally {
      clearInterval(beating);
    }
  };
}

/** The picture is paid: it is kept. */
async function collectLate(
  client: ProviderClient,
  { job, candidate, handle }: { job: ProviderJob; candidate: PlannedCandidate; handle: ProviderHandle },
  media: GenerateMediaDependencies['media'],
): Promise<SettleJobResult> {
  try {
    const result = await client.collect(job, handle, {
      signal: AbortSignal.timeout(collectMs),
      media: media(candidate.provider),
      onProgress: () => undefined,
      remember: () => Promise.resolve(),
    });
    const { billing, providerRequestId, assets } = result;
    const cost = costOfResult(result.costUsd, candidate);
    return settled({ certainty: 'accepted', ...cost, billing, providerRequestId, asset: assets[0] });
  } catch (error) {
    if (!(error instanceof ProviderError) || !error.endsJob)
      return { kind: 'unsettled', reason: error instanceof Error ? error.message : 'unknown reason' };
    const { costUsd = 0, costEstimated = false } = costOfCharge(error.charge ?? 'price', candidate.priceUsd);
    return settled({ certainty: 'accepted', costUsd, costEstimated });
  }
}

type ProviderHandle = Parameters<ProviderClient['collect']>[1];

function settled(settlement: Settlement): SettleJobResult {
  return { kind: 'settled', settlement };
}
