import type { Kysely, Selectable } from 'kysely';
import type { Database } from './database';
import type { AuditTable, DatabaseSchema } from './schema';

/** One thing that was done or refused. Holds no prompt and no secret. */
export interface AuditRecord {
  /** `undefined`: nobody who is known, such as the command line or a request without a valid key. */
  caller?: string | undefined;
  keyId?: string | undefined;
  /** Such as `generation.cancel`, or `refused`. */
  action: string;
  /** What it was done to: a path of the API. */
  subject: string;
  /** Why it was refused. */
  code?: string | undefined;
  requestId?: string | undefined;
}

export interface AuditEntry extends AuditRecord {
  id: number;
  /** ISO 8601, by the clock of the database. */
  at: string;
}

export interface AuditPage {
  /** Left out: of all callers. */
  caller?: string | undefined;
  limit: number;
  /** Entries older than this one. */
  before?: number | undefined;
}

export interface AuditLog {
  record(entry: AuditRecord): Promise<void>;
  /** Newest first. */
  list(page: AuditPage): Promise<AuditEntry[]>;
}

export function createAuditLog(db: Database): AuditLog {
  return {
    record: (entry) => insertAuditEntry(db, entry),

    async list({ caller, limit, before }) {
      let query = db.selectFrom('audit_entries').selectAll();
      if (caller !== undefined) query = query.where('caller', '=', caller);
      if (before !== undefined) query = query.where('id', '<', before);
      return (await query.orderBy('id', 'desc').limit(limit).execute()).map(toEntry);
    },
  };
}

/** For a change that must not happen unnoted: in its own transaction. */
export async function insertAuditEntry(db: Kysely<DatabaseSchema>, entry: AuditRecord): Promise<void> {
  await db
    .insertInto('audit_entries')
    .values({
      caller: entry.caller ?? null,
      key_id: entry.keyId ?? null,
      action: entry.action,
      subject: entry.subject,
      code: entry.code ?? null,
      request_id: entry.requestId ?? null,
    })
    .execute();
}

function toEntry(row: Selectable<AuditTable>): AuditEntry {
  return {
    id: row.id,
    at: row.at,
    caller: row.caller ?? undefined,
    keyId: row.key_id ?? undefined,
    action: row.action,
    subject: row.subject,
    code: row.code ?? undefined,
    requestId: row.request_id ?? undefined,
  };
}
