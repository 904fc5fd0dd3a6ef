import type { Logger } from 'pino';
import type { ProviderSettings } from '../config/provider-settings';
import type { ProviderName } from '../domain/taxonomy';
import { createComfyUiClient } from '../providers/comfyui/client';
import { createFalClient, type FalCallbacks, type UnitPrice } from '../providers/fal/client';
import { createModalClient } from '../providers/modal/client';
import type { ProviderClient } from '../providers/types';
import { models } from '../registry';

export interface ClientSurroundings {
  /** What Fal's call-backs told the API. */
  falCallbacks: FalCallbacks;
  logger: Pick<Logger, 'warn'>;
}

/** A client for every enabled provider. What a key may not do is in the log from the start. */
export function createProviderClients(
  { modal, fal, comfyui }: ProviderSettings,
  { falCallbacks, logger }: ClientSurroundings,
): Partial<Record<ProviderName, ProviderClient>> {
  const falClient =
    fal &&
    createFalClient({
      ...fal,
      callbacks: falCallbacks,
      tablePrice: tablePriceOf,
      onCannotList: (status) => {
        logger.warn(
          { provider: 'fal', status },
          'the Fal key may not list requests: a submit whose answer is lost cannot be found again',
        );
      },
    });
  void falClient?.checkListing();
  return {
    ...(modal !== undefined && { modal: createModalClient(modal) }),
    ...(falClient !== undefined && { fal: falClient }),
    ...(comfyui !== undefined && { comfyui: createComfyUiClient(comfyui) }),
  };
}

/** The price of an endpoint by our own table. */
function tablePriceOf(endpoint: string): UnitPrice | undefined {
  const model = models.find(({ provider, backendId }) => provider === 'fal' && backendId === endpoint);
  if (model === undefined) return undefined;
  const { usd: unitPriceUsd, asOf, source } = model.price;
  return { unitPriceUsd, asOf, source: `price table: ${source}` };
}
