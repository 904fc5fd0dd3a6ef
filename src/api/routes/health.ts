import { healthAnswer, readinessAnswer } from '../answers/things';
import type { ApiContext, ApiServer } from '../context';
import { HttpProblem } from '../http/http-problem';

/** Longest time one check may take; all three run at once. */
const checkMs = 4000;

type Check = { ok: true } | { ok: false; detail: string };

/** `/healthz`: this process answers. `/readyz`: so does everything it needs, each named. */
export function addHealthRoutes(app: ApiServer, context: ApiContext): void {
  const config = { access: 'public' } as const;
  app.get('/healthz', { config, schema: { response: { 200: healthAnswer } } }, () => ({
    status: 'ok' as const,
  }));

  app.get('/readyz', { config, schema: { response: { 200: readinessAnswer } } }, async () => {
    const checks = await checkAll(context);
    const failures = Object.entries(checks).flatMap(([name, check]) =>
      check.ok ? [] : [`${name} ${check.detail}`],
    );
    if (failures.length === 0) return { status: 'ready' as const, checks };
    throw new HttpProblem(503, 'not_ready', `Not ready: ${failures.join('; ')}.`, {
      extensions: { checks },
      retryAfterSeconds: 5,
    });
  });
}

async function checkAll({ db, temporal, assetStore }: ApiContext): Promise<Record<string, Check>> {
  const [database, server, assets] = await Promise.all([
    // The youngest table of ours, not `select 1`: without migrations nothing works.
    check('cannot be reached, or has no tables yet', () =>
      db.selectFrom('api_keys').select('id').limit(1).execute(),
    ),
    check('cannot be reached', () => temporal.ready()),
    check('cannot be written', () => assetStore.ready()),
  ]);
  return { database, temporal: server, assets };
}

async function check(detail: string, ask: () => Promise<unknown>): Promise<Check> {
  const timeout = new AbortController();
  const late = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(detail));
    }, checkMs);
    timeout.signal.addEventListener('abort', () => {
      clearTimeout(timer);
    });
  });
  try {
    await Promise.race([ask(), late]);
    return { ok: true };
  } catch {
    return { ok: false, detail };
  } finally {
    timeout.abort();
  }
}
