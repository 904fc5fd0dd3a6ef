import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket, { type RawData } from 'ws';
import { eventSchema } from './wire';

/** What the pod says of one run while it works. Progress only: what became of the run stands in the history. */
export interface RunEvents {
  /**
   * Waits, but not longer than until the pod says that the run may have ended.
   *
   * @throws the signal's reason when it aborts.
   */
  pause(milliseconds: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface RunEventsOptions {
  baseUrl: string;
  promptId: string;
  connectSeconds: number;
  /** The pod began with this run, or is this far (0-1) within one of its nodes. */
  onRunning: (fraction: number | undefined) => void;
}

/** The last event of a run is `executing` without a node; these come shortly before it. */
const endings: readonly string[] = ['execution_success', 'execution_error', 'execution_interrupted'];
/** A preview frame is an image of a few hundred kilobytes. */
const maximumFrameBytes = 16 * 1024 * 1024;

/**
 * Opens the pod's websocket for a run. Until it is open, when it cannot be opened and whenever it dies, `pause` is a
 * plain wait. Never throws.
 */
export function openRunEvents(options: RunEventsOptions): RunEvents {
  const socket = new WebSocket(socketUrl(options), {
    handshakeTimeout: options.connectSeconds * 1000,
    perMessageDeflate: false,
    maxPayload: maximumFrameBytes,
  });
  let alarm = new AbortController();
  socket.on('message', (data, isBinary) => {
    if (!isBinary && readEvent(data, options)) alarm.abort();
  });
  // A failing websocket costs us progress figures and nothing else.
  socket.on('error', () => undefined);
  return {
    async pause(milliseconds, signal) {
      const wakeUp = AbortSignal.any([alarm.signal, signal]);
      await sleep(milliseconds, undefined, { signal: wakeUp }).catch(() => undefined);
      signal.throwIfAborted();
      alarm = new AbortController();
    },
    close() {
      socket.terminate();
    },
  };
}

/** The client id is the prompt id: the pod sends a run's events to the id it was submitted with, also after a restart of ours. */
function socketUrl({ baseUrl, promptId }: RunEventsOptions): string {
  const query = new URLSearchParams({ clientId: promptId });
  return `${baseUrl.replace(/\/+$/, '').replace(/^http/, 'ws')}/ws?${query.toString()}`;
}

/** Whether the run may have ended. */
function readEvent(data: RawData, { promptId, onRunning }: RunEventsOptions): boolean {
  const event = eventSchema.safeParse(parseJson(data));
  if (!event.success || event.data.data.prompt_id !== promptId) return false;
  const { type, data: details } = event.data;
  if (endings.includes(type) || (type === 'executing' && details.node === null)) return true;
  const { value, max } = details;
  const isMeasured = type === 'progress' && value !== undefined && max !== undefined && max > 0;
  if (isMeasured) onRunning(Math.min(Math.max(value / max, 0), 1));
  else if (type === 'execution_start') onRunning(undefined);
  return false;
}

function parseJson(data: RawData): unknown {
  try {
    // Text frames arrive as one Buffer, whatever the type allows.
    return JSON.parse(Buffer.isBuffer(data) ? data.toString('utf8') : '') as unknown;
  } catch {
    return undefined;
  }
}
