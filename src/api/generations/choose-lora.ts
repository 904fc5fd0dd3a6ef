import type { Lora } from '../../db';
import type { LoraBaseModel, ResolvedLora } from '../../domain/requests';
import type { RefusalIssue } from '../../registry';

export type LoraChoice = { lora: ResolvedLora } | { issue: RefusalIssue };

export interface AskedLora {
  loraId?: string | undefined;
  loraStrength?: number | undefined;
  /** On one of which it must have been trained. */
  bases: readonly LoraBaseModel[];
}

/**
 * Finds the LoRA a request means: the named one; else, of those that fit the asked model, the character's default or the
 * only trained one. Anything unclear is refused: another LoRA would be another person.
 */
export function chooseLora(loras: readonly Lora[], asked: AskedLora): LoraChoice {
  const found = asked.loraId === undefined ? implied(loras, asked.bases) : named(loras, asked.loraId);
  if ('issue' in found) return found;
  const { lora } = found;
  if (lora.status !== 'ready') return { issue: notReady(lora, asked.loraId) };
  return {
    lora: {
      loraId: lora.id,
      baseModel: lora.baseModel,
      triggerWord: lora.triggerWord,
      strength: asked.loraStrength ?? lora.defaultStrength,
    },
  };
}

function named(loras: readonly Lora[], loraId: string): { lora: Lora } | { issue: RefusalIssue } {
  const lora = loras.find(({ id }) => id === loraId);
  if (lora !== undefined) return { lora };
  const known = loras.map(({ id }) => id).join(', ') || 'none';
  const message = `the character has no LoRA of this id; it has: ${known}`;
  return { issue: { field: 'loraId', code: 'lora_not_found', message } };
}

function implied(
  loras: readonly Lora[],
  bases: readonly LoraBaseModel[],
): { lora: Lora } | { issue: RefusalIssue } {
  const fitting = loras.filter(({ baseModel }) => bases.includes(baseModel));
  // Where none fits, the plan says what the asked model needs.
  const meant = fitting.some(({ status }) => status === 'ready') ? fitting : loras;
  const ready = meant.filter(({ status }) => status === 'ready');
  const [only] = ready;
  const lora = meant.find(({ isDefault }) => isDefault) ?? (ready.length === 1 ? only : undefined);
  if (lora !== undefined) return { lora };
  if (only === undefined) {
    const message = 'the character has no trained LoRA: register one, or leave useLora out';
    return { issue: { field: 'useLora', code: 'no_trained_lora', message } };
  }
  const message = `no default LoRA fits: name one of ${ready.map(({ id }) => id).join(', ')}`;
  return { issue: { field: 'loraId', code: 'no_default_lora', message } };
}

function notReady({ id, status }: Lora, asked: string | undefined): RefusalIssue {
  const state = status === 'training' ? 'is still being trained' : 'failed to train';
  const subject = asked === undefined ? `the character's default LoRA ${id}` : 'this LoRA';
  return {
    field: asked === undefined ? 'useLora' : 'loraId',
    code: 'lora_not_ready',
    message: `${subject} ${state}`,
  };
}
