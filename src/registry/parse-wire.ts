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
  if (issue === undefined) return { ok: false, field: 'prompt', problem: 'not accepted' };
  const path = pathOf(issue);
  return { ok: false, field: offendingSetting(model, settings, path), problem: `${path}: ${issue.message}` };
}

/** Settings the caller gave that this endpoint has no field for. */
export function ignoredSettings(model: ModelDefinition, settings: SlotSettings): TunableSetting[] {
  const body = JSON.stringify(model.toWire(settings));
  return tunableSettings.filter((name) => {
    if (settings[name] === undefined) return false;
    return JSON.stringify(model.toWire(without(settings, name))) === body;
  });
}

/** The setting without which this wire field would be right; the prompt when no single one is to blame. */
function offendingSetting(
  model: ModelDefinition,
  settings: SlotSettings,
  path: string,
): TunableSetting | 'prompt' {
  const culprit = tunableSettings.find((name) => {
    if (settings[name] === undefined) return false;
    const { error } = model.parameters.safeParse(model.toWire(without(settings, name)));
    return error === undefined || !error.issues.some((issue) => pathOf(issue) === path);
  });
  return culprit ?? 'prompt';
}

/** Where in the wire body an issue is, dotted. */
function pathOf({ path }: z.core.$ZodIssue): string {
  return path.join('.');
}

function without(settings: SlotSettings, name: TunableSetting): SlotSettings {
  return { ...settings, [name]: undefined };
}
