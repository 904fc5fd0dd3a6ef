import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { HttpProblem } from './http-problem';
import type { ProblemCode } from './problem-codes';

const keysFreshMs = 24 * 3600 * 1000;
/** Keys change, and a call-back signed with a new one must not wait a day. Nobody else may make us ask more often. */
const keysAgainMs = 60_000;
const keysTimeoutMs = 5000;
/** Seconds a call-back's own time may be off: Fal's figure. */
const leewaySeconds = 300;
const retryAfterSeconds = 30;

/** Others than Ed25519 may stand beside it. */
const keySetSchema = z.object({ keys: z.array(z.record(z.string(), z.unknown())) });
const publicKeySchema = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() });

const headersSchema = z.object({
  'x-fal-webhook-request-id': z.string().min(1).max(200),
  'x-fal-webhook-user-id': z.string().max(200),
  'x-fal-webhook-timestamp': z.string().regex(/^\d{1,12}$/),
  'x-fal-webhook-signature': z.string().regex(/^[0-9a-f]{128}$/i),
});

/** Checks that call-backs come from Fal, by the public keys it publishes. */
export class FalSignatures {
  private keys: KeyObject[] = [];
  private fetchedAtMs = 0;
  private askedAtMs = 0;

  constructor(private readonly jwksUrl: string) {}

  /**
   * When a call-back was signed, by Fal's clock (ISO 8601).
   *
   * @param body exactly as it was received
   * @throws HttpProblem 401 when it is not signed by Fal or not of the last five minutes, 503 when its keys cannot be had.
   */
  async check(headers: IncomingHttpHeaders, body: Buffer): Promise<string> {
    const given = headersSchema.safeParse(headers).data;
    if (given === undefined)
      throw refused('signature_missing', 'The headers of a Fal call-back are missing.');
    const timestamp = given['x-fal-webhook-timestamp'];
    const signedAtMs = Number(timestamp) * 1000;
    if (Math.abs(Date.now() - signedAtMs) > leewaySeconds * 1000)
      throw refused('signature_stale', 'The call-back was signed too long ago, or in the future.');
    const digest = createHash('sha256').update(body).digest('hex');
    const [id, user] = [given['x-fal-webhook-request-id'], given['x-fal-webhook-user-id']];
    const message = Buffer.from([id, user, timestamp, digest].join('\n'));
    const signature = Buffer.from(given['x-fal-webhook-signature'], 'hex');
    if (!(await this.isSigned(message, signature)))
      throw refused('signature_invalid', 'The call-back is not signed by Fal.');
    return new Date(signedAtMs).toISOString();
  }

  private async isSigned(message: Buffer, signature: Buffer): Promise<boolean> {
    const fits = (key: KeyObject): boolean => verify(null, message, key, signature);
    if (Date.now() - this.fetchedAtMs < keysFreshMs && this.keys.some(fits)) return true;
    if (Date.now() - this.askedAtMs < keysAgainMs && this.keys.length > 0) return false;
    await this.fetchKeys();
    return this.keys.some(fits);
  }

  private async fetchKeys(): Promise<void> {
    this.askedAtMs = Date.now();
    try {
      const signal = AbortSignal.timeout(keysTimeoutMs);
      const response = await fetch(this.jwksUrl, { signal, redirect: 'error' });
      if (!response.ok) throw new Error(`status ${String(response.status)}`);
      const { keys } = keySetSchema.parse(await response.json());
      this.keys = keys.flatMap((key) => publicKeyOf(key));
      this.fetchedAtMs = Date.now();
    } catch (cause) {
      throw new HttpProblem(503, 'keys_unavailable', 'The keys of Fal cannot be read right now.', {
        retryAfterSeconds,
        cause,
      });
    }
  }
}

function publicKeyOf(key: Record<string, unknown>): KeyObject[] {
  const jwk = publicKeySchema.safeParse(key).data;
  return jwk === undefined ? [] : [createPublicKey({ key: jwk, format: 'jwk' })];
}

function refused(code: ProblemCode, message: string): HttpProblem {
  return HttpProblem.of(code, message);
}
