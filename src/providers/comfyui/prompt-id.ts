import { createHash } from 'node:crypto';

/** Namespace of our prompt ids; any fixed UUID serves, but changing it loses every job in flight. */
const namespace = Buffer.from('6f1c1f0e5d7a4c5b9d0e3a2b1c4d5e6f', 'hex');

/**
 * The id a job has on the pod: a version 5 UUID (RFC 9562) of its key, the same in every process and at every attempt,
 * so that a job can be found again instead of being submitted twice. A job key stands for one run only: whoever wants
 * another one after a failure asks for it under another key.
 */
export function promptIdOf(jobKey: string): string {
  const bytes = createHash('sha1').update(namespace).update(jobKey).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
