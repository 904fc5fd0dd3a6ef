import { createApiKeyStore } from '../../src/db';
import type { Scope } from '../../src/domain/access';
import { makeApiKey } from '../../src/api/access/api-key';
import type { Answer, Call, TestApi } from './test-api';

/** One caller with a key, as an app behind the API is. */
export interface KeyHolder {
  id: string;
  /** `Authorization` and nothing else. */
  headers: Record<string, string>;
  send(call: Call): Promise<Answer>;
}

/** Makes a key straight in the database, as `npm run keys` does. */
export async function keyHolder(
  api: Pick<TestApi, 'database' | 'send'>,
  caller: string,
  scopes: readonly Scope[],
  expiresAt?: string,
): Promise<KeyHolder> {
  const { id, secretHash, text } = makeApiKey();
  const keys = createApiKeyStore(api.database.db);
  await keys.create({ id, caller, name: `of ${caller}`, scopes, secretHash, expiresAt }, {});
  const headers = { authorization: `Bearer ${text}` };
  return { id, headers, send: (call) => api.send({ ...call, headers: { ...headers, ...call.headers } }) };
}
