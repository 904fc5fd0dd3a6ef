import { createHash } from 'node:crypto';

/** Namespace of our prompt ids; any fixed UUID serves, but changing it loses every job in flight. */
const namespace = Buffer.from('6f1c1f0e5d7a4c5b9d0e3a2b1c4d5e6f', 'hex');

/** Our way back to a run, as it stands in the dispatch log. A type, since an interface is no JSON object. */
export type RunHandle = {
  promptId: string;
  /** 1-based count of this job's runs on the pod. */
  run: number;
};

/**
 * The id a job has on the pod: a version 5 UUID (RFC 9562) of its key, the same in every process and at every attempt,
 * so that a job can be found again instead of being submitted twice.
 *
 * @param run 1 for the first run. A run that ended in an error stays in the pod's history under its id for ever, so
 * the next one gets an id of its own: that of `jobKey#2`, and so on.
 */
export function promptIdOf(jobKey: string, run: number): string {
  const name = run === 1 ? jobKey : `${jobKey}#${String(run)}`;
  const bytes = createHash('sha1').update(namespace).update(name).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
