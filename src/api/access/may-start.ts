import type { AccessSettings } from '../../config/access-settings';
import type { ApiKeyStore } from '../../db';

/** Thrown at the start; its message says what to do. */
export class NobodyMayCome extends Error {
  override readonly name = 'NobodyMayCome';
}

/** An API that nobody can use is a mistake, better found at once. @throws NobodyMayCome */
export async function assertSomebodyMayCome(
  { mode, jwt }: AccessSettings,
  keys: Pick<ApiKeyStore, 'hasUsable'>,
): Promise<void> {
  if (mode === 'open' || jwt !== undefined || (await keys.hasUsable())) return;
  const options = 'create --caller my-app --name "my app" --scopes start,read';
  throw new NobodyMayCome(
    'There is no usable API key, so nobody could use the API. Make one: ' +
      `npm run keys -- ${options} (in the image: node dist/src/api/access/keys-process.js ${options}). ` +
      'Or set API_JWKS_URL, API_JWT_ISSUER and API_JWT_AUDIENCE, or API_AUTH=open with API_HOST=127.0.0.1.',
  );
}
