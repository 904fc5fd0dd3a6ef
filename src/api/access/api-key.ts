import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import type { ApiKeyStore } from '../../db';
import type { Principal } from './principal';

/** A key as its owner gets it, once: `ryla_<id>_<secret>`. */
export interface MadeKey {
  id: string;
  /** SHA-256 of the secret, hex. The secret is 256 random bits, so a fast hash cannot be undone by guessing. */
  secretHash: string;
  text: string;
}

const idBytes = 8;
const secretBytes = 32;
const form = /^ryla_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

export function makeApiKey(): MadeKey {
  const id = randomBytes(idBytes).toString('hex');
  const secret = randomBytes(secretBytes).toString('base64url');
  return { id, secretHash: digest(secret).toString('hex'), text: `ryla_${id}_${secret}` };
}

/** Compared with where there is no such key, so that one takes as long as a wrong secret. */
const nobodysHash = randomBytes(secretBytes);

/**
 * Whose key it is; `undefined` for one that is unknown, wrong, expired or revoked, with no way to tell which. Every request
 * looks it up, so a revoked key is refused at once by every replica.
 */
export async function principalOfApiKey(
  keys: Pick<ApiKeyStore, 'find' | 'noteUse'>,
  text: string,
  logger: FastifyBaseLogger,
): Promise<Principal | undefined> {
  const [, id, secret] = form.exec(text) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  const key = await keys.find(id);
  const expected = key === undefined ? nobodysHash : Buffer.from(key.secretHash, 'hex');
  const isRight = timingSafeEqual(digest(secret), expected);
  if (key === undefined || !isRight || !key.isUsable) return undefined;
  if (key.isUseStale) {
    // Beside the request: it must not wait for a note, or fail with it.
    keys.noteUse(id).catch((err: unknown) => {
      logger.warn({ err, keyId: id }, 'the use of a key could not be noted');
    });
  }
  return { caller: key.caller, scopes: new Set(key.scopes), keyId: id };
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
