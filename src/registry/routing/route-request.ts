import type { InputAssets, StudioMode, StudioRequest } from '../../domain/requests';
import type { ProviderName } from '../../domain/taxonomy';
import type { ModelDefinition, SlotSettings } from '../types';

/** What one slot needs of an endpoint, and what the caller would rather have. */
export interface RouteRequest {
  mode: StudioMode;
  /** Holds the LoRA and the NSFW flag, too. */
  settings: SlotSettings;
  hasReference: boolean;
  hasSource: boolean;
  hasMask: boolean;
  /** Size of each picture, where it is known. */
  pictureBytes?: Partial<Record<keyof InputAssets, number | undefined>>;
  preference: RoutePreference;
  /** Ids of the models a flow fixes for this slot; left out, the studio's own orders apply. */
  order?: readonly string[];
}

/** A wish goes first and the usual order follows; with `strict` it is the only one. */
export interface RoutePreference {
  model?: ModelDefinition | undefined;
  modelProvider?: ProviderName | undefined;
  /** Default false. */
  strict?: boolean;
  /** Chooses among LoRA endpoints only, as in the customer's logic. */
  modelPreference?: StudioRequest['modelPreference'];
  /** Default `high`. */
  quality?: StudioRequest['quality'];
}
