import { sha256 } from '../pictures/fingerprint';
import type { JournalEntry } from '../journal';
import { MediaShelf } from '../pictures/media-shelf';

export const folderTypes = ['input', 'output', 'temp'] as const;
export type FolderType = (typeof folderTypes)[number];

/** A file as the API names it. */
export interface FileRef {
  filename: string;
  subfolder: string;
  type: FolderType;
}

export interface PodFile {
  bytes: Buffer;
  contentType: string;
  /** The job that made it; absent for uploads. */
  job?: { endpoint: string; prompt: string; entry: JournalEntry } | undefined;
}

/** The pod's input, output and temp folders. They outlive a restart of the server. */
export class PodFiles {
  readonly #files = new MediaShelf<PodFile>();
  readonly #counters = new Map<string, number>();

  find({ filename, subfolder, type }: FileRef): PodFile | undefined {
    return this.#files.get(key(type, subfolder, filename));
  }

  /** An upload; a name that is taken by other bytes gets a number, unless it may be overwritten. */
  upload(file: FileRef & { overwrite: boolean }, upload: PodFile): FileRef {
    const { subfolder, type } = file;
    let { filename } = file;
    for (let index = 1; !file.overwrite; index += 1) {
      const existing = this.#files.get(key(type, subfolder, filename));
      if (existing === undefined || sha256(existing.bytes) === sha256(upload.bytes)) break;
      filename = numbered(file.filename, index);
    }
    this.#files.put(key(type, subfolder, filename), upload);
    return { filename, subfolder, type };
  }

  /** Saves a result under the next number of its prefix. */
  save(type: FolderType, prefix: string, file: PodFile): FileRef {
    const slash = prefix.lastIndexOf('/');
    const subfolder = slash < 0 ? '' : prefix.slice(0, slash);
    const counter = (this.#counters.get(`${type}/${prefix}`) ?? 0) + 1;
    this.#counters.set(`${type}/${prefix}`, counter);
    const filename = `${prefix.slice(slash + 1)}_${String(counter).padStart(5, '0')}_.png`;
    this.#files.put(key(type, subfolder, filename), file);
    return { filename, subfolder, type };
  }

  /** An input picture by the name a graph uses: `name`, `folder/name` or `name [type]`. */
  input(name: string): PodFile | undefined {
    const annotated = / \[(input|output|temp)\]$/.exec(name);
    const type = folderTypes.find((candidate) => candidate === annotated?.[1]) ?? 'input';
    const path = annotated === null ? name : name.slice(0, annotated.index);
    const slash = path.lastIndexOf('/');
    const subfolder = slash < 0 ? '' : path.slice(0, slash);
    return this.find({ filename: path.slice(slash + 1), subfolder, type });
  }

  reset(): void {
    this.#files.clear();
    this.#counters.clear();
  }
}

function numbered(name: string, index: number): string {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? `${name} (${index})` : `${name.slice(0, dot)} (${index})${name.slice(dot)}`;
}

function key(type: string, subfolder: string, filename: string): string {
  return `${type}/${subfolder}/${filename}`;
}
