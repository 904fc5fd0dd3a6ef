import { randomUUID } from 'node:crypto';
import { MediaShelf } from '../pictures/media-shelf';
import { decodeDataUrl } from '../http/describe-body';

export interface StoredFile {
  bytes: Buffer;
  contentType: string;
  /** The job a result belongs to; absent for uploads. */
  job?: { endpoint: string; prompt: string } | undefined;
}

/** The provider's file storage: results and uploads, public below `/files`. */
export class FalFiles {
  readonly #files = new MediaShelf<StoredFile>();
  readonly #announced = new Map<string, { name: string; contentType: string }>();

  /** Stores a result. Returns its URL below `origin`. */
  store(origin: string, name: string, file: StoredFile): string {
    const id = randomUUID();
    this.#files.put(id, file);
    return fileUrl(origin, id, name);
  }

  /** First step of an upload: where to put the bytes and where they will be found. */
  announce(origin: string, name: string, contentType: string): { upload_url: string; file_url: string } {
    const id = randomUUID();
    this.#announced.set(id, { name, contentType });
    return { upload_url: `${origin}/files/upload/${id}`, file_url: fileUrl(origin, id, name) };
  }

  /** Second step. Whether the upload had been announced. */
  receive(id: string, bytes: Buffer, contentType: string | undefined): boolean {
    const announced = this.#announced.get(id);
    if (announced === undefined) return false;
    this.#announced.delete(id);
    this.#files.put(id, { bytes, contentType: contentType ?? announced.contentType });
    return true;
  }

  find(id: string): StoredFile | undefined {
    return this.#files.get(id);
  }

  /** What an endpoint gets when it fetches a URL: only our own files and `data:` URLs exist in here. */
  fetch(url: string, origin: string): StoredFile | undefined {
    const inline = decodeDataUrl(url);
    if (inline !== undefined) return { bytes: inline.bytes, contentType: inline.mediaType };
    const prefix = `${origin}/files/`;
    const [id] = url.startsWith(prefix) ? url.slice(prefix.length).split('/') : [];
    return id === undefined ? undefined : this.#files.get(id);
  }

  reset(): void {
    this.#files.clear();
    this.#announced.clear();
  }
}

function fileUrl(origin: string, id: string, name: string): string {
  return `${origin}/files/${id}/${encodeURIComponent(name)}`;
}
