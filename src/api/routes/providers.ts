import type { ProviderApp, ProviderHealthRecord, ProviderPause } from '../../domain/provider-health';
import { providerNames, type ProviderName } from '../../domain/taxonomy';
import { appsOf } from '../../registry';
import { providerList } from '../answers/things';
import type { ApiContext, ApiServer } from '../context';
import { noQuery } from '../http/cursor';

/** `GET /v1/providers`: which are enabled, what their watches last found, how many jobs wait for each, and which of their apps are plain. */
export function addProviderRoute(app: ApiServer, context: ApiContext): void {
  const schema = { querystring: noQuery, response: { 200: providerList } };
  app.get('/v1/providers', { config: { access: 'read' }, schema }, async () => {
    const [records, parked, pauses, apps] = await Promise.all([
      context.providerHealth.list(),
      context.providerHealth.countParkedJobs(),
      context.providerHealth.pauses(),
      context.providerApps.list(),
    ]);
    const known = { records, parked, pauses, apps };
    return { items: providerNames.map((name) => providerView(name, context, known)) };
  });
}

interface KnownHealth {
  records: readonly ProviderHealthRecord[];
  parked: ReadonlyMap<ProviderName, number>;
  pauses: readonly ProviderPause[];
  apps: readonly ProviderApp[];
}

function providerView(
  provider: ProviderName,
  { routing }: ApiContext,
  { records, parked, pauses, apps }: KnownHealth,
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
    parkedJobs: parkedJobs(health, parked.get(provider) ?? 0),
    ...appsView(provider, enabled ? apps : undefined),
  };
}

/**
 * The watch's own count is seconds old at most, while a slot's row may be older than its place there. A watch that was
 * terminated after its provider came up leaves a number behind that nobody corrects; rows say at least that a job has ended.
 */
function parkedJobs(health: ProviderHealthRecord | undefined, rows: number): number {
  const listed = health?.parkedJobs ?? rows;
  return health?.state === 'down' ? listed : Math.min(listed, rows);
}

/** By the last word of each app; one that is not served here any more is left out. */
function appsView(provider: ProviderName, told: readonly ProviderApp[] | undefined) {
  if (told === undefined) return { plainApps: [], unknownApps: [] };
  const wordOf = (name: string) =>
    told.find((word) => word.provider === provider && word.app === name)?.namedJobs;
  const names = appsOf(provider);
  return {
    /** Their jobs get no name before they are paid: a call whose answer is lost cannot be found. */
    plainApps: names.filter((name) => wordOf(name) === false),
    /** They have not said yet whether they take named jobs. */
    unknownApps: names.filter((name) => wordOf(name) === undefined),
  };
}
