import type { ProblemCode } from '../http/problem-codes';

/** What the document says of a route beside its schemas. */
export interface Operation {
  id: string;
  tag: 'Start' | 'Generations' | 'Assets' | 'Characters' | 'Looking up' | 'Administration' | 'Health';
  summary: string;
  /** Beside those that every route of its kind may answer. */
  problems: readonly ProblemCode[];
  /** A body that is taken. */
  example?: unknown;
}

const none = [] as const;
const starting = [
  'daily_limit_exceeded',
  'idempotency_key_reused',
  'request_refused',
  'temporal_unavailable',
] as const;
const telling = ['generation_not_found', 'already_finished', 'not_running', 'temporal_unavailable'] as const;

const viewing = ['asset_not_found', 'assets_unavailable', 'link_expired', 'link_invalid'] as const;

/** By method and path. A test says which route has no entry: it would be missing in the document. */
export const operations: Readonly<Record<string, Operation>> = {
  'POST /v1/base-images': {
    id: 'startBaseImages',
    tag: 'Start',
    summary: 'Start six first pictures of a character',
    problems: starting,
    example: { characterId: 'mia', prompt: 'woman of 28, freckles, short red hair' },
  },
  'POST /v1/profile-pictures': {
    id: 'startProfilePictures',
    tag: 'Start',
    summary: 'Start a set of profile pictures with the same face',
    problems: starting,
    example: {
      characterId: 'mia',
      prompt: 'woman of 28, freckles, short red hair',
      referenceImageUrl: '/v1/assets/9f2c6d0a1b3e5f7788990011223344556677889900aabbccddeeff0011223344',
    },
  },
  'POST /v1/studio': {
    id: 'startStudio',
    tag: 'Start',
    summary: 'Start pictures or clips in one of five modes',
    problems: starting,
    example: { characterId: 'mia', mode: 'creating', prompt: 'in a cafe', count: 2 },
  },
  'POST /v1/route-plans': {
    id: 'planRoute',
    tag: 'Start',
    summary: 'Say what a start would do and cost, and start nothing',
    problems: ['request_refused'],
    example: { flow: 'studio', characterId: 'mia', prompt: 'in a cafe' },
  },
  'GET /v1/generations': {
    id: 'listGenerations',
    tag: 'Generations',
    summary: 'List generations, newest first',
    problems: none,
  },
  'GET /v1/generations/{id}': {
    id: 'getGeneration',
    tag: 'Generations',
    summary: 'Read progress and result',
    problems: ['generation_not_found'],
  },
  'POST /v1/generations/{id}/cancel': {
    id: 'cancelGeneration',
    tag: 'Generations',
    summary: 'Cancel; may be repeated',
    problems: ['generation_not_found', 'already_finished', 'not_started_yet', 'temporal_unavailable'],
  },
  'POST /v1/generations/{id}/retry-now': {
    id: 'retryNow',
    tag: 'Generations',
    summary: 'Let waiting slots try again at once',
    problems: [...telling, 'nothing_waits', 'no_worker_answered'],
  },
  'POST /v1/generations/{id}/slots/{slot}/decide': {
    id: 'decideSlot',
    tag: 'Generations',
    summary: 'Decide what becomes of a slot whose submit was lost',
    problems: [...telling, 'slot_not_found', 'no_decision_needed', 'no_worker_answered'],
    example: { decision: 'give_up' },
  },
  'POST /v1/generations/{id}/slots/{slot}/regenerate': {
    id: 'regenerateSlot',
    tag: 'Generations',
    summary: 'Make one slot anew, as a new generation',
    problems: [...starting, 'generation_not_found', 'slot_not_found', 'slot_unfinished', 'request_lost'],
    example: { seed: 1234 },
  },
  'POST /v1/assets': {
    id: 'uploadAsset',
    tag: 'Assets',
    summary: 'Upload a picture or clip: JPEG, PNG, WebP or MP4, at most 50 MB',
    problems: [
      'assets_unavailable',
      'empty',
      'invalid_multipart',
      'not_media',
      'too_large',
      'truncated',
      'unsupported_media_type',
      'upload_aborted',
      'wrong_size',
    ],
  },
  'GET /v1/assets/{id}': {
    id: 'getAsset',
    tag: 'Assets',
    summary: 'Read the bytes',
    problems: [...viewing, 'range_not_satisfiable'],
  },
  'HEAD /v1/assets/{id}': {
    id: 'headAsset',
    tag: 'Assets',
    summary: 'Read type and length',
    problems: viewing,
  },
  'DELETE /v1/assets/{id}': {
    id: 'deleteAsset',
    tag: 'Assets',
    summary: 'Give it up; its bytes go where nobody else has it',
    problems: ['asset_not_found', 'asset_in_use', 'assets_unavailable'],
  },
  'GET /v1/assets/{id}/thumbnail': {
    id: 'getThumbnail',
    tag: 'Assets',
    summary: 'Read a small copy as WebP; it is made at the first wish',
    problems: [...viewing, 'not_media', 'truncated', 'wrong_kind'],
  },
  'POST /v1/assets/{id}/links': {
    id: 'createAssetLinks',
    tag: 'Assets',
    summary: 'Make links that a browser can load without a key, until they end',
    problems: ['asset_not_found', 'assets_unavailable', 'signing_disabled'],
    example: { seconds: 600 },
  },
  'GET /v1/assets/{id}/recipe': {
    id: 'getRecipes',
    tag: 'Assets',
    summary: 'Read how it was made',
    problems: ['asset_not_found'],
  },
  'PUT /v1/characters/{id}': {
    id: 'putCharacter',
    tag: 'Characters',
    summary: 'Create or rename a character',
    problems: none,
    example: { name: 'Mia' },
  },
  'GET /v1/characters/{id}': {
    id: 'getCharacter',
    tag: 'Characters',
    summary: 'Read a character',
    problems: ['character_not_found'],
  },
  'GET /v1/characters': {
    id: 'listCharacters',
    tag: 'Characters',
    summary: 'List characters by id',
    problems: none,
  },
  'PUT /v1/characters/{id}/loras/{loraId}': {
    id: 'putLora',
    tag: 'Characters',
    summary: 'Register or change a LoRA',
    problems: ['character_not_found'],
    example: { baseModel: 'flux', triggerWord: 'miawoman' },
  },
  'GET /v1/characters/{id}/loras/{loraId}': {
    id: 'getLora',
    tag: 'Characters',
    summary: 'Read a LoRA',
    problems: ['lora_not_found'],
  },
  'DELETE /v1/characters/{id}/loras/{loraId}': {
    id: 'deleteLora',
    tag: 'Characters',
    summary: 'Forget a LoRA',
    problems: ['lora_not_found'],
  },
  'GET /v1/characters/{id}/loras': {
    id: 'listLoras',
    tag: 'Characters',
    summary: 'List the LoRAs of a character',
    problems: ['character_not_found'],
  },
  'GET /v1/models': {
    id: 'listModels',
    tag: 'Looking up',
    summary: 'List endpoints with prices, and whether they can be used here',
    problems: none,
  },
  'GET /v1/spend': {
    id: 'getSpend',
    tag: 'Looking up',
    summary: "Read what is used of the caller's day",
    problems: none,
  },
  'GET /v1/providers': {
    id: 'listProviders',
    tag: 'Looking up',
    summary: 'List providers, and which are up',
    problems: none,
  },
  'POST /v1/api-keys': {
    id: 'createApiKey',
    tag: 'Administration',
    summary: 'Make a key; it is shown only here',
    problems: none,
    example: { caller: 'my-app', name: 'my app', scopes: ['start', 'read'] },
  },
  'GET /v1/api-keys': {
    id: 'listApiKeys',
    tag: 'Administration',
    summary: 'List keys, newest first',
    problems: none,
  },
  'DELETE /v1/api-keys/{id}': {
    id: 'revokeApiKey',
    tag: 'Administration',
    summary: 'Revoke a key',
    problems: ['api_key_not_found'],
  },
  'GET /v1/audit': {
    id: 'listAudit',
    tag: 'Administration',
    summary: 'List what was changed, decided, cancelled and refused, newest first',
    problems: none,
  },
  'GET /healthz': { id: 'getHealth', tag: 'Health', summary: 'This process answers', problems: none },
  'GET /readyz': {
    id: 'getReadiness',
    tag: 'Health',
    summary: 'So does everything it needs',
    problems: ['not_ready'],
  },
};
