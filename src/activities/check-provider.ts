import { Context } from '@temporalio/activity';
import type { ProviderName } from '../domain/taxonomy';
import type { ProviderClient, ProviderHealth } from '../providers/types';

/** Longest time a probe may take, in ms; below the activity's own limits. */
const probeMs = 12_000;

/** A free request that shows whether the provider answers. */
export function createCheckProvider(clients: Readonly<Partial<Record<ProviderName, ProviderClient>>>) {
  return async function checkProvider({ provider }: { provider: ProviderName }): Promise<ProviderHealth> {
    const { cancellationSignal } = Context.current();
    Context.current().heartbeat();
    const client = clients[provider];
    if (client === undefined) return { healthy: false, detail: `${provider} is disabled on this worker` };
    const signal = AbortSignal.any([cancellationSignal, AbortSignal.timeout(probeMs)]);
    return await client.checkHealth({ signal });
  };
}
