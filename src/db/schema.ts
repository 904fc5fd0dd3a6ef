import type { ColumnType, Generated, GeneratedAlways, JSONColumnType } from 'kysely';
import type { AttemptErrorCode, AttemptRecord, Billing } from '../domain/attempt-record';
import type {
  DecisionNeeded,
  ExtraPicture,
  GenerationStatus,
  Recipe,
  SlotStatus,
  SlotWait,
} from '../domain/generation';
import type { Notice } from '../domain/forgotten';
import type { Identity, RouteCandidate } from '../domain/plan';
import type { Flow, FlowRequest, LoraBaseModel } from '../domain/requests';
import type { Scope } from '../domain/access';
import type { ProviderState } from '../domain/provider-health';
import type { DispatchCertainty, FailureClass, ProviderName } from '../domain/taxonomy';

/** What PostgreSQL holds, as `kysely` sees it. Times are ISO strings, money is USD. */
export interface DatabaseSchema {
  characters: CharacterTable;
  loras: LoraTable;
  assets: AssetTable;
  asset_owners: AssetOwnerTable;
  recipes: RecipeTable;
  generations: GenerationTable;
  slots: SlotTable;
  attempts: AttemptTable;
  idempotency_keys: IdempotencyKeyTable;
  provider_health: ProviderHealthTable;
  provider_pauses: ProviderPauseTable;
  provider_apps: ProviderAppTable;
  provider_callbacks: ProviderCallbackTable;
  api_keys: ApiKeyTable;
  audit_entries: AuditTable;
}

/** Set by the database when left out. */
type DefaultTime = ColumnType<string, string | undefined, string>;

export const loraStatuses = ['training', 'ready', 'failed'] as const;
export type LoraStatus = (typeof loraStatuses)[number];

export interface CharacterTable {
  caller: string;
  /** Of its caller: two callers may have one of the same id each. */
  id: string;
  name: string | null;
  created_at: DefaultTime;
  updated_at: DefaultTime;
}

export interface LoraTable {
  caller: string;
  character_id: string;
  id: string;
  base_model: LoraBaseModel;
  trigger_word: string;
  status: LoraStatus;
  default_strength: number;
  is_default: boolean;
  created_at: DefaultTime;
  updated_at: DefaultTime;
}

export interface AssetTable {
  /** SHA-256 of the content, hex. */
  id: string;
  media_type: string;
  bytes: number;
  width: number | null;
  height: number | null;
  frames: number | null;
  perceptual_hash: string | null;
  origin: 'upload' | 'generation';
  created_at: DefaultTime;
}

/** Uploads, and pictures that were shown before they were noted. Whose generation made one, `recipes` and `slots` say. */
export interface AssetOwnerTable {
  asset_id: string;
  caller: string;
  created_at: DefaultTime;
  /** Since then it is not the caller's, whatever slots and recipes say. */
  deleted_at: string | null;
}

/** Apart from `assets`: two slots may make the same bytes, and each keeps its own recipe and cost. */
export interface RecipeTable {
  asset_id: string;
  generation_id: string;
  slot: number;
  recipe: JSONColumnType<Recipe>;
  /** `null`: made before recipes were hashed. */
  recipe_hash: string | null;
  created_at: DefaultTime;
}

/** Why a generation ended, in the words callers see. */
export interface StoredError {
  code: string;
  message: string;
  provider?: ProviderName | undefined;
}

export interface GenerationTable {
  id: string;
  workflow_id: string;
  flow: Flow;
  character_id: string;
  nsfw: boolean;
  status: GenerationStatus;
  /** 0 until the workflow has reported. */
  revision: Generated<number>;
  /** The Temporal run that reported last. `null`: none has, or one of an older release. */
  run_id: string | null;
  /** What happened to it from outside. */
  notices: ColumnType<Notice[], string | undefined, string>;
  /** What the notices put at risk, beside `at_risk_usd`. */
  forgotten_usd: Generated<number>;
  /** `null` only where the accepting API lost its row before the workflow reported. */
  request: JSONColumnType<FlowRequest> | null;
  caller: Generated<string>;
  /** Set aside for the job while it runs. */
  reserved_usd: Generated<number>;
  cost_usd: Generated<number>;
  cost_estimated: Generated<boolean>;
  at_risk_usd: Generated<number>;
  engines: ColumnType<string[], string | undefined, string>;
  extras: ColumnType<ExtraPicture[], string | undefined, string>;
  unsettled_jobs: Generated<number>;
  parent_generation_id: string | null;
  parent_slot: number | null;
  /** Requests that asked Temporal to start its workflow: only a sole one may take the row back. */
  starts: Generated<number>;
  /** When the latest of them did. */
  start_asked_at: DefaultTime;
  error: JSONColumnType<StoredError> | null;
  deadline_at: string | null;
  created_at: DefaultTime;
  started_at: string | null;
  finished_at: string | null;
}

export interface SlotTable {
  generation_id: string;
  slot: number;
  label: string;
  status: SlotStatus;
  provider: ProviderName | null;
  endpoint: string | null;
  identity: Identity;
  seed: number;
  asset_id: string | null;
  cost_usd: number;
  cost_estimated: boolean;
  at_risk_usd: Generated<number>;
  error: JSONColumnType<StoredError> | null;
  waiting: JSONColumnType<SlotWait> | null;
  decision: JSONColumnType<DecisionNeeded> | null;
  reused: boolean | null;
  considered: JSONColumnType<RouteCandidate[]>;
  started_at: string | null;
  finished_at: string | null;
}

export interface AttemptTable {
  generation_id: string;
  slot: number;
  number: number;
  provider: ProviderName;
  endpoint: string;
  outcome: AttemptRecord['outcome'];
  started_at: string;
  seconds: number;
  cost_usd: number | null;
  cost_estimated: boolean | null;
  at_risk_usd: number | null;
  error_class: FailureClass | null;
  error_code: AttemptErrorCode | null;
  message: string | null;
  certainty: DispatchCertainty;
  provider_request_id: string | null;
  repeats: number | null;
  last_repeat_at: string | null;
  job_key: string | null;
  billing: JSONColumnType<Billing> | null;
}

export interface IdempotencyKeyTable {
  caller: string;
  key: string;
  /** SHA-256 of route and request, hex. */
  request_hash: string;
  generation_id: string;
  created_at: DefaultTime;
}

export interface ProviderPauseTable {
  task_queue: string;
  provider: ProviderName;
  until: string;
}

export interface ProviderAppTable {
  task_queue: string;
  provider: ProviderName;
  app: string;
  named_jobs: boolean;
  told_at: DefaultTime;
}

export interface ProviderCallbackTable {
  provider: ProviderName;
  /** The provider's own name for the job. */
  request_id: string;
  job_key: string;
  /** In the provider's words, such as `OK`. */
  status: string;
  /** When the provider signed the newest one. */
  signed_at: string;
  received_at: DefaultTime;
}

export interface ApiKeyTable {
  id: string;
  caller: string;
  name: string;
  /** SHA-256, hex. */
  secret_hash: string;
  scopes: Scope[];
  created_at: DefaultTime;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
}

export interface AuditTable {
  id: GeneratedAlways<number>;
  at: DefaultTime;
  /** `null`: nobody who is known. */
  caller: string | null;
  key_id: string | null;
  action: string;
  subject: string;
  code: string | null;
  request_id: string | null;
}

export interface ProviderHealthTable {
  task_queue: string;
  provider: ProviderName;
  state: ProviderState;
  since: string;
  reason: string | null;
  next_probe_at: string | null;
  parked_jobs: number | null;
  updated_at: DefaultTime;
}
