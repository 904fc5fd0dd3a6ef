import { sql, type Selectable } from 'kysely';
import type { Scope } from '../domain/access';
import { insertAuditEntry, type AuditRecord } from './audit-log';
import type { Database } from './database';
import type { ApiKeyTable } from './schema';

/** All that is known of a key but its secret. */
export interface ApiKey {
  id: string;
  caller: string;
  /** For people. */
  name: string;
  scopes: Scope[];
  createdAt: string;
  /** `null`: never. */
  expiresAt: string | null;
  /** To the minute. */
  lastUsedAt: string | null;
  revokedAt: string | null;
}

export interface NewApiKey {
  id: string;
  caller: string;
  name: string;
  scopes: readonly Scope[];
  /** SHA-256, hex. */
  secretHash: string;
  /** ISO 8601; left out: never. */
  expiresAt?: string | undefined;
}

/** A key as it is checked. */
export interface KnownKey extends ApiKey {
  secretHash: string;
  /** Neither revoked nor expired, by the clock of the database. */
  isUsable: boolean;
  /** Its last use was noted a minute ago or longer. */
  isUseStale: boolean;
}

/** Who changes a key. */
export type KeyChange = Pick<AuditRecord, 'caller' | 'keyId' | 'requestId'>;

export interface ApiKeyStore {
  /** Writes the key and who made it, or neither. */
  create(key: NewApiKey, by: KeyChange): Promise<ApiKey>;
  find(id: string): Promise<KnownKey | undefined>;
  /** Notes that it was used just now, where that was not noted within the last minute. */
  noteUse(id: string): Promise<void>;
  /** By age, newest first, after `after`. */
  list(page: { limit: number; after?: { createdAt: string; id: string } | undefined }): Promise<ApiKey[]>;
  /** Whether there is such a key. One that was revoked before keeps its time. */
  revoke(id: string, by: KeyChange): Promise<boolean>;
  /** Whether anybody can log in by a key. */
  hasUsable(): Promise<boolean>;
}

const isUsable = sql<boolean>`revoked_at is null and (expires_at is null or expires_at > now())`;
const isUseStale = sql<boolean>`last_used_at is null or last_used_at < now() - interval '1 minute'`;

export function createApiKeyStore(db: Database): ApiKeyStore {
  return {
    create: (key, by) =>
      db.transaction().execute(async (transaction) => {
        const row = await transaction
          .insertInto('api_keys')
          .values({
            id: key.id,
            caller: key.caller,
            name: key.name,
            secret_hash: key.secretHash,
            scopes: [...key.scopes],
            expires_at: key.expiresAt ?? null,
          })
          .returningAll()
          .executeTakeFirstOrThrow();
        await insertAuditEntry(transaction, { ...by, action: 'api-key.create', subject: subjectOf(key.id) });
        return toApiKey(row);
      }),

    async find(id) {
      const row = await db
        .selectFrom('api_keys')
        .selectAll()
        .select([isUsable.as('is_usable'), isUseStale.as('is_use_stale')])
        .where('id', '=', id)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const { secret_hash: secretHash, is_usable, is_use_stale } = row;
      return { ...toApiKey(row), secretHash, isUsable: is_usable, isUseStale: is_use_stale };
    },

    async noteUse(id) {
      await db
        .updateTable('api_keys')
        .set({ last_used_at: sql<string>`now()` })
        .where('id', '=', id)
        .where(isUseStale)
        .execute();
    },

    async list({ limit, after }) {
      let query = db.selectFrom('api_keys').selectAll();
      if (after !== undefined) {
        query = query.where((where) =>
          where(where.refTuple('created_at', 'id'), '<', where.tuple(after.createdAt, after.id)),
        );
      }
      const rows = await query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
      return rows.map(toApiKey);
    },

    revoke: (id, by) =>
      db.transaction().execute(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('api_keys')
          .set({ revoked_at: sql<string>`coalesce(revoked_at, now())` })
          .where('id', '=', id)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) return false;
        await insertAuditEntry(transaction, { ...by, action: 'api-key.revoke', subject: subjectOf(id) });
        return true;
      }),

    async hasUsable() {
      const row = await db.selectFrom('api_keys').select('id').where(isUsable).limit(1).executeTakeFirst();
      return row !== undefined;
    },
  };
}

function subjectOf(id: string): string {
  return `/v1/api-keys/${id}`;
}

function toApiKey(row: Selectable<ApiKeyTable>): ApiKey {
  return {
    id: row.id,
    caller: row.caller,
    name: row.name,
    scopes: row.scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
  };
}
