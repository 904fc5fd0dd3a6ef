import { exchange, json, type Exchange } from './exchange';

export interface Ticket {
  status: string;
  request_id: string;
  status_url: string;
  response_url: string;
  cancel_url: string;
  queue_position: number;
}

export interface FalOutput {
  images?: { url: string; width: number; height: number; content_type: string }[];
  image?: { url: string; width: number; height: number; content_type: string };
  has_nsfw_concepts?: boolean[];
  seed?: number;
  prompt?: string;
  timings?: unknown;
}

export const key = { authorization: 'Key test' };

/** The queue protocol as a plain caller speaks it. */
export class FalCaller {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** `endpoint` may carry a query. */
  async submit(endpoint: string, input: unknown, headers: Record<string, string> = {}): Promise<Ticket> {
    const url = `${this.#url}/queue/${endpoint}`;
    return JSON.parse((await exchange('POST', url, input, { ...key, ...headers })).text) as Ticket;
  }

  async get(url: string): Promise<Exchange> {
    return await exchange('GET', url, undefined, key);
  }

  /** Waits on the status stream until the request is complete. */
  async completed(ticket: Ticket): Promise<string[]> {
    const stream = await this.get(`${ticket.status_url}/stream?logs=1`);
    const lines = stream.text.split('\n').filter((line) => line.startsWith('data: '));
    return lines.map((line) => (JSON.parse(line.slice('data: '.length)) as { status: string }).status);
  }

  /** Submits, waits, and returns the answer of the result URL. */
  async result(endpoint: string, input: unknown, headers: Record<string, string> = {}): Promise<Exchange> {
    const ticket = await this.submit(endpoint, input, headers);
    await this.completed(ticket);
    return await this.get(ticket.response_url);
  }

  async run(endpoint: string, input: unknown): Promise<Exchange> {
    return await exchange('POST', `${this.#url}/run/${endpoint}`, input, key);
  }

  /** Uploads bytes and returns their public URL. */
  async upload(bytes: Buffer, contentType = 'image/png'): Promise<string> {
    const target = `${this.#url}/rest/storage/upload/initiate?storage_type=fal-cdn-v3`;
    const start = await exchange('POST', target, { content_type: contentType, file_name: 'face.png' }, key);
    const { upload_url: uploadUrl, file_url: fileUrl } = json(start) as {
      upload_url: string;
      file_url: string;
    };
    await exchange('PUT', uploadUrl, bytes, { 'content-type': contentType });
    return fileUrl;
  }
}
