import { isRecord } from '../http/describe-body';
import type { ModalEndpoint } from './endpoints';

const initialFiles = [
  'character-demo.safetensors',
  'qwen-character-demo.safetensors',
  'wan-character-demo.safetensors',
  'flux-realism.safetensors',
];

const prefixes = {
  character: ['character-'],
  qwen: ['qwen-character-', 'character-'],
  wan: ['wan-character-', 'character-'],
} as const;

/** The LoRA files on the volume all apps share. */
export class LoraVolume {
  #files = new Set(initialFiles);

  list(): string[] {
    return [...this.#files].sort();
  }

  add(file: string): void {
    this.#files.add(file);
  }

  /** Whether the file was there. */
  remove(file: string): boolean {
    return this.#files.delete(file);
  }

  reset(): void {
    this.#files = new Set(initialFiles);
  }

  /**
   * The file a request means. `missing` names the file that was looked up first;
   * `undefined` means the request names no LoRA.
   */
  resolve(
    lora: NonNullable<ModalEndpoint['lora']>,
    body: unknown,
  ): { file: string } | { missing: string } | undefined {
    if (!isRecord(body)) return undefined;
    const candidates = candidateFiles(lora, body);
    const file = candidates.find((candidate) => this.#files.has(candidate));
    if (file !== undefined) return { file };
    const [missing] = candidates;
    return missing === undefined ? undefined : { missing };
  }
}

function candidateFiles(lora: NonNullable<ModalEndpoint['lora']>, body: Record<string, unknown>): string[] {
  const { lora_name: name, lora_id: id } = body;
  if (isGiven(name)) {
    return [String(name).endsWith('.safetensors') ? String(name) : `${String(name)}.safetensors`];
  }
  if (!isGiven(id)) return [];
  return prefixes[lora].map((prefix) => `${prefix}${String(id)}.safetensors`);
}

function isGiven(value: unknown): value is string | number {
  return (typeof value === 'string' && value !== '') || typeof value === 'number';
}
