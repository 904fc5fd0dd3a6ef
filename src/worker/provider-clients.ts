import type { Logger } from 'pino';
import type { ProviderSettings } from '../config/provider-settings';
import type { ProviderName } from '../domain/taxonomy';
import { createComfyUiClient } from '../providers/comfyui/client';
import { createFalClient, type FalCallbacks, type UnitPrice } from '../providers/fal/client';
import { createModalClient, type ModalClient } from '../providers/modal/client';
import type { ProviderClient } from '../providers/types';
import { models } from '../registry';

/** An app with named jobs answers within seconds; a plain one may have to start a container first. */
const answerSeconds = 30;

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
  const modalClient = modal && createModalClient(modal);
  if (modalClient !== undefined && modal?.namedJobs !== 'off') void namePlainApps(modalClient, logger);
  return {
    ...(modalClient !== undefined && { modal: modalClient }),
    ...(falClient !== undefined && { fal: falClient }),
    ...(comfyui !== undefined && { comfyui: createComfyUiClient(comfyui) }),
  };
}

/** Logs which Modal apps take no named jobs. Each app is asked once, and a plain one starts a container to answer. */
export async function namePlainApps(
  client: ModalClient,
  logger: { warn(about: object, message: string): void },
): Promise<void> {
  const names = models.flatMap(({ provider, app }) =>
    provider === 'modal' && app !== undefined ? [app] : [],
  );
  const patience = { signal: AbortSignal.timeout(2 * answerSeconds * 1000), patienceSeconds: answerSeconds };
  const apps = await client.apps([...new Set(names)], patience);
  const those = (is: boolean | undefined) => apps.filter(({ named }) => named === is).map(({ app }) => app);
  const [plain, silent] = [those(false), those(undefined)];
  if (plain.length > 0) {
    const advice =
      'deploy them with the package in modal/: a call there whose answer is lost cannot be found';
    logger.warn({ provider: 'modal', apps: plain }, `these Modal apps take no named jobs; ${advice}`);
  }
  if (silent.length > 0)
    logger.warn(
      { provider: 'modal', apps: silent },
      'these Modal apps did not say whether they take named jobs',
    );
}

/** The price of a megapixel by our own table. What Fal counts as a unit of other prices nobody knows. */
function tablePriceOf(endpoint: string): UnitPrice | undefined {
  const model = models.find(({ provider, backendId }) => provider === 'fal' && backendId === endpoint);
  if (model?.price.per !== 'megapixel') return undefined;
  const { usd: unitPriceUsd, asOf, source } = model.price;
  return { unitPriceUsd, asOf, source: `price table: ${source}` };
}
