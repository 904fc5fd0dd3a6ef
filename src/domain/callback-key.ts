import { createHmac, timingSafeEqual } from 'node:crypto';

/** Keeps these marks apart from anything else that is ever made of the same secret. */
const purpose = 'provider call-back';
const markBytes = 16;

/**
 * The last part of the address a provider calls when a job ends: the job's key, and a mark that only we can make. A
 * provider signs its call-backs for every customer it has, so its signature alone does not say that the job is ours.
 */
export function callbackToken(jobKey: string, secret: string): string {
  return `${Buffer.from(jobKey).toString('base64url')}.${markOf(jobKey, secret).toString('base64url')}`;
}

/** The job key of a token; `undefined` when we did not make it. */
export function jobKeyOfToken(token: string, secret: string): string | undefined {
  const [name = '', mark = ''] = token.split('.', 2);
  const jobKey = Buffer.from(name, 'base64url').toString('utf8');
  const given = Buffer.from(mark, 'base64url');
  const isOurs = given.length === markBytes && timingSafeEqual(given, markOf(jobKey, secret));
  return isOurs ? jobKey : undefined;
}

function markOf(jobKey: string, secret: string): Buffer {
  const digest = createHmac('sha256', secret).update(`${purpose}\n${jobKey}`).digest();
  return digest.subarray(0, markBytes);
}
