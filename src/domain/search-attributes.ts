import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** The custom search attributes of every generation workflow, registered in the namespace before the first start. */
export const flowAttribute = defineSearchAttributeKey('Flow', SearchAttributeType.KEYWORD);
export const characterIdAttribute = defineSearchAttributeKey('CharacterId', SearchAttributeType.KEYWORD);
/** Every provider the run asked, or is about to ask. */
export const providerAttribute = defineSearchAttributeKey('Provider', SearchAttributeType.KEYWORD_LIST);
export const nsfwAttribute = defineSearchAttributeKey('Nsfw', SearchAttributeType.BOOL);
/**
 * Not set while all goes well. `waiting` (every provider of a slot is out), `needs_decision`, `running` after one of these, or
 * how the run ended.
 */
export const generationStatusAttribute = defineSearchAttributeKey(
  'GenerationStatus',
  SearchAttributeType.KEYWORD,
);
/** What a provider's watch found: `checking`, `up` or `down`. */
export const providerHealthAttribute = defineSearchAttributeKey(
  'ProviderHealth',
  SearchAttributeType.KEYWORD,
);
