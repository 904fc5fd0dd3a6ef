import type { JsonObject } from '../../src/domain/taxonomy';

/** One picture as the peers are asked for it: the places to try, in order, with complete bodies. */
export interface PeerJob {
  id: string;
  calls: PeerCall[];
}

export type PeerCall =
  | { provider: 'modal'; url: string; body: JsonObject }
  | { provider: 'fal'; endpoint: string; body: JsonObject }
  | { provider: 'comfyui'; graph: JsonObject };

/** What a peer answers to `GET /jobs/{id}`; one it does not know is 404. */
export interface PeerJobState {
  status: 'running' | 'completed' | 'failed';
  error?: string | undefined;
}
