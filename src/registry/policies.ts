import type { ExecutionPolicy } from '../domain/plan';

const retry = { initialSeconds: 2, backoffCoefficient: 2, maximumSeconds: 30, maximumAttempts: 3 };
/** A killed worker is noticed in this time. Another worker then finds and collects the job, which costs nothing. */
const heartbeatSeconds = 10;
/** A peer that hangs is noticed in this time. */
const idleSeconds = 30;
/** A picture has 1-3 MB and a clip some 20 MB: whoever needs longer drips. */
const imageDownloadSeconds = 60;
const videoDownloadSeconds = 180;

/**
 * Modal pictures. A cold container hangs 2-5 minutes before any work, and the slowest warm route takes 208 s, so
 * 900 s is patience, not waste. Modal answers every hop within 150 s (a result or a 303): 170 s of silence is a fault.
 * A plain call shows such a silence after 20 s (`silentSince`). A named job is never silent.
 */
export const modalImagePolicy: ExecutionPolicy = {
  name: 'modal-image',
  startToCloseSeconds: 900,
  scheduleToStartSeconds: 3600,
  heartbeatSeconds,
  retry,
  http: {
    connectSeconds: 10,
    firstByteSeconds: 170,
    idleSeconds,
    downloadSeconds: imageDownloadSeconds,
    queueSeconds: 870,
    totalSeconds: 870,
  },
};

/** Modal clips: the same with room for long clips (a comparable route was still running after 1200 s in a live test). */
export const modalVideoPolicy: ExecutionPolicy = {
  name: 'modal-video',
  startToCloseSeconds: 1500,
  scheduleToStartSeconds: 5400,
  heartbeatSeconds,
  retry,
  http: {
    connectSeconds: 10,
    firstByteSeconds: 170,
    idleSeconds,
    downloadSeconds: videoDownloadSeconds,
    queueSeconds: 1470,
    totalSeconds: 1470,
  },
};

/** Fal never starts cold and answers in 1-30 s; three minutes in its queue mean that it is overloaded. */
export const falImagePolicy: ExecutionPolicy = {
  name: 'fal-image',
  startToCloseSeconds: 420,
  scheduleToStartSeconds: 1800,
  heartbeatSeconds,
  retry,
  http: {
    connectSeconds: 10,
    firstByteSeconds: 30,
    idleSeconds,
    downloadSeconds: imageDownloadSeconds,
    queueSeconds: 180,
    totalSeconds: 390,
  },
};

/** The pod has one GPU and no limit on its queue, so a job may stand behind many others. */
export const comfyUiPolicy: ExecutionPolicy = {
  name: 'comfyui',
  startToCloseSeconds: 900,
  scheduleToStartSeconds: 3600,
  heartbeatSeconds,
  retry,
  http: {
    connectSeconds: 10,
    firstByteSeconds: 30,
    idleSeconds,
    downloadSeconds: imageDownloadSeconds,
    queueSeconds: 600,
    totalSeconds: 870,
  },
};
