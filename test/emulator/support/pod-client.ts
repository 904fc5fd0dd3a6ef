import { once } from 'node:events';
import { WebSocket } from 'ws';
import { exchange, json, type Exchange } from './exchange';

/** One websocket event of the pod. */
export interface PodEvent {
  type: string;
  data: Record<string, unknown>;
}

/** History of one job as far as tests look. */
export interface PodHistory {
  status: { status_str: string; completed: boolean; messages: [string, Record<string, unknown>][] };
  outputs: Record<string, { images: { filename: string; subfolder: string; type: string }[] }>;
}

/** Listens to the events of one client id. */
export class PodListener {
  readonly events: PodEvent[] = [];
  binaryFrames = 0;
  readonly socket: WebSocket;
  readonly #waiting = new Set<() => void>();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.binaryFrames += 1;
      else this.events.push(JSON.parse(data.toString('utf8')) as PodEvent);
      for (const check of this.#waiting) check();
    });
  }

  static async open(podUrl: string, clientId: string): Promise<PodListener> {
    const socket = new WebSocket(`${podUrl.replace('http', 'ws')}/ws?clientId=${clientId}`);
    const listener = new PodListener(socket);
    await once(socket, 'open');
    return listener;
  }

  /** Resolves with the first event that fits, past or future. */
  async until(fits: (event: PodEvent) => boolean): Promise<PodEvent> {
    return await new Promise((resolve) => {
      const check = (): void => {
        const found = this.events.find(fits);
        if (found === undefined) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** Resolves when the run of this id is over. */
  async finished(promptId: string): Promise<void> {
    await this.until(
      ({ type, data }) => type === 'executing' && data['node'] === null && data['prompt_id'] === promptId,
    );
  }

  close(): void {
    this.socket.terminate();
  }
}

export async function submit(podUrl: string, body: Record<string, unknown>): Promise<Exchange> {
  return await exchange('POST', `${podUrl}/prompt`, body);
}

/** History of one id, or `undefined` when the pod has none. */
export async function historyOf(podUrl: string, id: string): Promise<PodHistory | undefined> {
  return (json(await exchange('GET', `${podUrl}/history/${id}`)) as Record<string, PodHistory>)[id];
}

/** Uploads a picture; answers with what the pod says. */
export async function upload(
  podUrl: string,
  bytes: Buffer,
  name: string,
  fields: Record<string, string> = {},
): Promise<Exchange> {
  const form = new FormData();
  for (const [field, value] of Object.entries(fields)) form.set(field, value);
  form.set('image', new Blob([new Uint8Array(bytes)], { type: 'image/png' }), name);
  const encoded = new Response(form);
  const type = encoded.headers.get('content-type') ?? '';
  const body = Buffer.from(await encoded.arrayBuffer());
  return await exchange('POST', `${podUrl}/upload/image`, body, { 'content-type': type });
}
