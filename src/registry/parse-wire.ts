import { z } from 'zod';
import type { JsonObject } from '../domain/taxonomy';
import type { ModelDefinition, SlotSettings } from './types';

const jsonObject = z.record(z.string(), z.json());

/** Settings that are wishes: a slot is still the same picture without them. */
const tunableSettings = [
  'negativePrompt',
  'width',
  'height',
  'steps',
  'guidance',
  'strength',
  'referenceStrength',
  'upscaleFactor',
  'frames',
  'fps',
] as const;
type TunableSetting = (typeof tunableSettings)[number];

export type WireResult =
  { ok: true; parameters: JsonObject } | { ok: false; field: TunableSetting | 'prompt'; problem: string };

/** The complete wire body of one slot, or which setting this endpoint cannot take. */
export function parseWire(model: ModelDefinition, settings: SlotSettings): WireResult {
  const parsed = model.parameters.safeParse(model.toWire(settings));
  if (parsed.success) return { ok: true, parameters: jsonObject.parse(parsed.data) };
  const [issue] = parsed.error.issues;
  const problem = issue === undefined ? 'not accepted' : `${issue.path.join('.')}: ${issue.message}`;
  return { ok: false, field: offendingSetting(model, settings), problem };
}

/** Settings the caller gave that this endpoint has no field for. */
export function ignoredSettings(model: ModelDefinition, settings: SlotSettings): TunableSetting[] {
  const body = JSON.stringify(model.toWire(settings));
  return tunableSettings.filter((name) => {
    if (settings[name] === undefined) return false;
    return JSON.stringify(model.toWire(without(settings, name))) === body;
  });
}

/** The setting without which the body would be right; the prompt when no single one is to blame. */
function offendingSetting(model: ModelDefinition, settings: SlotSettings): TunableSetting | 'prompt' {
  const culprit = tunableSettings.find((name) => {
    if (settings[name] === undefined) return false;
    return model.parameters.safeParse(model.toWire(without(settings, name))).success;
  });
  return culprit ?? 'prompt';
}

function without(settings: SlotSettings, name: TunableSetting): SlotSettings {
  return { ...settings, [name]: undefined };
}
