import { z } from 'zod';
import type { AuditEntry } from '../../db';
import { callerSchema } from '../../domain/requests';
import { auditPage } from '../answers/things';
import type { ApiContext, ApiServer } from '../context';
import { cursorOf, encodeCursor, pageLimit } from '../http/cursor';

const querystring = z.strictObject({
  caller: callerSchema.optional(),
  limit: pageLimit,
  cursor: cursorOf(z.tuple([z.string().regex(/^\d{1,15}$/)])).optional(),
});

/** `GET /v1/audit`: who changed, decided, cancelled or deleted what, and what was refused to whom. Newest first. */
export function addAuditRoute(app: ApiServer, { auditLog }: ApiContext): void {
  const config = { access: 'admin' } as const;
  app.get(
    '/v1/audit',
    { config, schema: { querystring, response: { 200: auditPage } } },
    async ({ query: { caller, limit, cursor } }) => {
      const before = cursor && Number(cursor[0]);
      const page = await auditLog.list({ caller, limit: limit + 1, before });
      const items = page.slice(0, limit);
      const last = items.at(-1);
      const hasMore = page.length > limit && last !== undefined;
      return { items: items.map(view), nextCursor: hasMore ? encodeCursor([String(last.id)]) : null };
    },
  );
}

function view({ id, at, caller, keyId, action, subject, code, requestId }: AuditEntry) {
  const who = { caller: caller ?? null, keyId: keyId ?? null };
  return { id, at, ...who, action, subject, code: code ?? null, requestId: requestId ?? null };
}
