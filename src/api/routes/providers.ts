import type { ProviderHealthRecord, ProviderPause } from '../../domain/provider-health';
import { providerNames, type ProviderName } from '../../domain/taxonomy';
import type { ApiContext, ApiServer } from '../context';
import { noQuery } from '../cursor';

/** `GET /v1/providers`: which are enabled, what their watches last found, and how many jobs wait for each. */
export function addProviderRoute(app: ApiServer, context: ApiContext): void {
  app.get('/v1/providers', { schema: { querystring: noQuery } }, async () => {
    const [records, parked, pauses] = await Promise.all([
      context.providerHealth.list(),
      context.providerHealth.countParkedJobs(),
      context.providerHealth.pauses(),
    ]);
    const known = { records, parked, pauses };
    return { items: providerNames.map((name) => providerView(name, context, known)) };
  });
}

interface KnownHealth {
  records: readonly ProviderHealthRecord[];
  parked: ReadonlyMap<ProviderName, number>;
  pauses: readonly ProviderPause[];
}

function providerView(
  provider: ProviderName,
  { routing }: ApiContext,
  { records, parked, pauses }: KnownHealth,
) {
  const { enabled, reason: disabledReason = null } = routing.providers[provider];
  const health = records.find((record) => record.provider === provider);
  return {
    provider,
    enabled,
    disabledReason,
    /** One that never failed is up. */
    state: health?.state ?? 'up',
    since: health?.since ?? null,
    reason: health?.reason ?? null,
    nextProbeAt: health?.nextProbeAt ?? null,
    /** It asked not to be sent new jobs before (429 or 503 with `Retry-After`). */
    busyUntil: pauses.find((pause) => pause.provider === provider)?.until ?? null,
    parkedJobs: Math.max(parked.get(provider) ?? 0, listedJobs(health)),
  };
}

/** What the watch itself counted at its last probe: a slot's row may be older than its place there. */
function listedJobs(health: ProviderHealthRecord | undefined): number {
  return health?.state === 'down' ? (health.parkedJobs ?? 0) : 0;
}
