import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** The custom search attributes of every generation workflow, registered in the namespace before the first start. */
export const flowAttribute = defineSearchAttributeKey('Flow', SearchAttributeType.KEYWORD);
export const characterIdAttribute = defineSearchAttributeKey('CharacterId', SearchAttributeType.KEYWORD);
/** Every provider that made a picture of the run; set when it ends. */
export const providerAttribute = defineSearchAttributeKey('Provider', SearchAttributeType.KEYWORD_LIST);
export const nsfwAttribute = defineSearchAttributeKey('Nsfw', SearchAttributeType.BOOL);
/** `running`, `waiting` (every provider of a slot is out) or how the run ended. */
export const generationStatusAttribute = defineSearchAttributeKey(
  'GenerationStatus',
  SearchAttributeType.KEYWORD,
);
