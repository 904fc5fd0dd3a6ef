import type { LoraBaseModel, StudioRequest } from '../domain/requests';
import { findModel } from './find-model';
import { models } from './models';

/**
 * Base models on which a LoRA must have been trained for what a request asks: that of the named model, that of the preferred
 * family, or those of all models of its mode. Empty: no LoRA fits.
 *
 * @throws RequestRefused when the named model does not exist.
 */
export function loraBasesFor(
  request: Pick<StudioRequest, 'mode' | 'modelId' | 'modelProvider' | 'modelPreference'>,
): LoraBaseModel[] {
  const { mode, modelId, modelProvider, modelPreference } = request;
  const asked = modelId === undefined ? models : [findModel(modelId, modelProvider)];
  const bases = asked
    .filter(({ studioModes }) => studioModes.includes(mode))
    .flatMap(({ loraBaseModel }) => loraBaseModel ?? []);
  const preferred = bases.filter((base) => base === modelPreference);
  return modelId === undefined && preferred.length > 0 ? preferred : bases;
}
