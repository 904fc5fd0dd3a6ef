import type { WatchPolicy } from '../domain/provider-watch';
import type { ProviderName } from '../domain/taxonomy';

/**
 * How a provider is watched. Probes are free and go from one second to one in half a minute, so a short outage ends
 * in seconds and a long one costs two requests a minute. Workers read a provider's state twice a second, so all of them
 * know it one second after it was written. Signalling a hundred jobs takes some two seconds on the local Temporal server,
 * which is about as fast as it can carry them on (36 workflows/s measured).
 */
export const watchPolicy: WatchPolicy = {
  probe: { initialSeconds: 1, backoffCoefficient: 2, maximumSeconds: 30 },
  jitter: 0.2,
  reopenMaximumSeconds: 300,
  settleSeconds: 1,
  canaries: 5,
  canarySeconds: 10,
  batchSize: 100,
  batchPauseSeconds: 1,
  // Longer than the longest call that may yet fail: a Modal picture is given up after 900 s.
  quietSeconds: 900,
  maxParked: 10_000,
};

/**
 * A pod is one machine of our own: a probe costs it nothing, it restarts within a minute, and its queue lets one job run
 * at a time however many come. Jobs that wait for it must not be behind those that come after it is back.
 */
const podWatchPolicy: WatchPolicy = {
  ...watchPolicy,
  probe: { ...watchPolicy.probe, maximumSeconds: 4 },
  canarySeconds: 2,
};

export function watchPolicyOf(provider: ProviderName): WatchPolicy {
  return provider === 'comfyui' ? podWatchPolicy : watchPolicy;
}

/** Failures in a row, without a success between them, after which a worker reports an outage. */
export const breakerThreshold = 5;
