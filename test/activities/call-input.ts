import type { PlannedCandidate } from '../../src/domain/plan';

/** A planned call of one picture. */
export const candidate: PlannedCandidate = {
  modelId: 'modal-flux-dev',
  provider: 'modal',
  endpoint: '/flux-dev',
  app: 'ryla-flux',
  eligible: true,
  reason: 'first choice',
  identity: 'none',
  priceUsd: 0.02,
  typicalSeconds: 37,
  parameters: { prompt: 'a red door', seed: 7 },
  inputs: [],
  mediaKind: 'image',
  slowAfterSeconds: 74,
  policy: {
    name: 'test',
    startToCloseSeconds: 60,
    scheduleToStartSeconds: 60,
    heartbeatSeconds: 30,
    retry: { initialSeconds: 1, backoffCoefficient: 2, maximumSeconds: 30, maximumAttempts: 3 },
    http: { connectSeconds: 1, firstByteSeconds: 1, idleSeconds: 1, queueSeconds: 1, totalSeconds: 1 },
  },
};

/** Every provider is well, as far as this worker knows. */
export const health = {
  downSince: () => undefined,
  busyMs: () => 0,
  succeeded: () => undefined,
  failed: () => undefined,
};
