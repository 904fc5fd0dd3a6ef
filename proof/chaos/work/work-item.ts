import type { Flow } from '../../../src/domain/requests';

/** One request to the API. */
export interface WorkItem {
  /** A word that is in the prompt and in no other request's; where there is no prompt, the hash of the source picture. */
  workId: string;
  flow: Flow;
  /** What is asked for, for people. */
  name: string;
  /** Body of `POST /v1/{flow}`. */
  body: Readonly<Record<string, unknown>>;
  /** Sent as `x-caller-id`; absent: nobody in particular. */
  caller?: string | undefined;
  /** The body still lacks `sourceImageUrl`. */
  needsSource: boolean;
  /** Pictures it asks for. */
  images: number;
  /** Seed of slot 1. */
  seed: number;
  /** Providers its first picture may be asked from. */
  providers: readonly ('modal' | 'fal' | 'comfyui')[];
}
