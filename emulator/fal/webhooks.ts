import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { EraEnded } from '../clock';
import type { EmulatorContext } from '../context';
import { isRecord } from '../http/describe-body';
import { sha256 } from '../pictures/fingerprint';
import type { FalJob } from './fal-job';

/** Further tries after the first; the vendor makes ten within two hours. */
const retries = 10;
/** The pauses double: 7, 14, ... 3584 provider seconds, two hours in all. */
const firstPauseSeconds = 7;
/** Real milliseconds a receiver has to answer. */
const answerTimeoutMs = 15_000;
const userId = 'emulated-user';

/** A call-back, ready to be posted. */
interface SignedCall {
  headers: Record<string, string>;
  body: Buffer;
}

/** Posts the end of a request to the address its caller gave, signed as the vendor signs. */
export class FalWebhooks {
  readonly #context: EmulatorContext;
  readonly #published: KeyObject;
  readonly #retired: KeyObject;
  readonly #foreign: KeyObject;

  constructor(context: EmulatorContext) {
    this.#context = context;
    // The same seed has the same keys, so a receiver that has kept them can still check after a restart.
    this.#published = privateKey(`fal webhook key ${context.seed}`);
    this.#retired = privateKey(`fal webhook key ${context.seed}, retired`);
    this.#foreign = privateKey(`fal webhook key ${context.seed}, not published`);
  }

  /** Body of `/.well-known/jwks.json`. Two keys, as during a change of keys: a receiver has to try each. */
  get keySet(): { keys: Record<string, unknown>[] } {
    return { keys: [this.#retired, this.#published].map(publicJwk) };
  }

  /** Sends the call-back of a request that is over. Never rejects. */
  async send(job: FalJob): Promise<void> {
    const { log } = this.#context;
    const url = job.options.webhookUrl;
    if (url === undefined) return;
    if (!isLoopback(url)) {
      log.warn({ url }, 'a fal call-back was not sent: the emulator calls loopback addresses only');
      return;
    }
    try {
      await this.#deliver(job, url);
    } catch (error) {
      if (!(error instanceof EraEnded)) log.error({ err: error, url }, 'a fal call-back could not be sent');
    }
  }

  async #deliver(job: FalJob, url: string): Promise<void> {
    const { clock, faults } = this.#context;
    const { era } = clock;
    const record = { url, tries: 0, delivered: false };
    if (job.entry !== undefined) job.entry.webhook = record;
    const fault = faults.take('fal', 'webhook', { endpoint: job.endpointId, prompt: job.prompt });
    if (fault?.name === 'webhook_lost') return;
    if (fault?.name === 'webhook_late') await clock.wait(fault.params.seconds ?? 60);
    const key = fault?.name === 'webhook_bad_signature' ? this.#foreign : this.#published;
    const body = Buffer.from(JSON.stringify(bodyOf(job)));
    for (let retry = 0; !record.delivered; retry += 1) {
      // Each try has its own time: one that is hours old would be refused as a replay.
      const call = signedCall(job.id, body, key);
      record.tries += 1;
      record.delivered = await post(url, call, era);
      if (record.delivered && fault?.name === 'webhook_twice') {
        record.tries += 1;
        await post(url, call, era);
      }
      if (record.delivered || retry === retries) return;
      await clock.wait(firstPauseSeconds * 2 ** retry);
    }
  }
}

function bodyOf(job: FalJob): Record<string, unknown> {
  const { answer } = job;
  const payload: unknown = JSON.parse(answer?.body.toString('utf8') ?? 'null');
  const ids = { request_id: job.id, gateway_request_id: job.id };
  if (answer?.status === 200) return { ...ids, status: 'OK', payload };
  const { detail } = isRecord(payload) ? payload : {};
  const error = typeof detail === 'string' ? detail : `Invalid status code: ${answer?.status ?? 500}`;
  return { ...ids, status: 'ERROR', error, payload };
}

function signedCall(requestId: string, body: Buffer, key: KeyObject): SignedCall {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const message = [requestId, userId, timestamp, sha256(body)].join('\n');
  const headers = {
    'content-type': 'application/json',
    'content-length': String(body.length),
    'x-fal-webhook-request-id': requestId,
    'x-fal-webhook-user-id': userId,
    'x-fal-webhook-timestamp': timestamp,
    'x-fal-webhook-signature': sign(null, Buffer.from(message), key).toString('hex'),
  };
  return { headers, body };
}

/** Whether the receiver answered 2xx. @throws EraEnded at a reset or stop. */
async function post(url: string, { headers, body }: SignedCall, era: AbortSignal): Promise<boolean> {
  const send = new URL(url).protocol === 'https:' ? httpsRequest : httpRequest;
  const signal = AbortSignal.any([era, AbortSignal.timeout(answerTimeoutMs)]);
  try {
    const outgoing = send(url, { method: 'POST', headers, agent: false, signal });
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    response.resume();
    const { statusCode = 0 } = response;
    return statusCode >= 200 && statusCode < 300;
  } catch {
    if (era.aborted) throw new EraEnded();
    return false;
  }
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

/** An Ed25519 key that follows from a text. */
function privateKey(text: string): KeyObject {
  // The PKCS #8 frame of a raw Ed25519 key (RFC 8410).
  const frame = Buffer.from('302e020100300506032b657004220420', 'hex');
  const der = Buffer.concat([frame, Buffer.from(sha256(text), 'hex')]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function publicJwk(key: KeyObject): Record<string, unknown> {
  const { kty, crv, x } = createPublicKey(key).export({ format: 'jwk' });
  return { kty, crv, x };
}
