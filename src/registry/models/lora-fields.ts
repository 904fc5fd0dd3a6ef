import { z } from 'zod';
import type { JsonObject } from '../../domain/taxonomy';
import type { SlotSettings } from '../types';
import { wireBody } from './wire-body';
import { weightField } from './wire-fields';

/**
 * Wire fields all LoRA routes share. The id is the bare one: the server adds `character-` itself. Its alternative,
 * `lora_name`, is a file name, wins over the id in silence, and is never sent.
 */
export const loraFields = {
  lora_id: z
    .string()
    .min(1)
    .refine((id) => !id.startsWith('character-'), 'the server adds "character-" itself'),
  lora_strength: weightField(1),
  trigger_word: z.string().default(''),
};

/** The LoRA part of a body. The server puts `trigger_word` before the prompt, so a prompt that has it sends none. */
export function loraToWire({ lora, prompt = '' }: SlotSettings): JsonObject {
  if (lora === undefined) return {};
  const inPrompt = wordsOf(prompt).includes(wordsOf(lora.triggerWord));
  return wireBody({
    lora_id: lora.loraId,
    lora_strength: lora.strength,
    trigger_word: inPrompt ? '' : lora.triggerWord,
  });
}

/** Whole words between single spaces, so that `ann` is not found in `annual`. */
function wordsOf(text: string): string {
  return ` ${text
    .toLowerCase()
    .split(/[^\p{L}\p{N}_-]+/u)
    .filter((word) => word !== '')
    .join(' ')} `;
}
