import type { Logger } from 'pino';
import type { ModalSettings, ProviderSettings } from '../config/provider-settings';
import type { ProviderApp } from '../domain/provider-health';
import type { ProviderName } from '../domain/taxonomy';
import { createComfyUiClient } from '../providers/comfyui/client';
import { createFalClient, type FalCallbacks, type UnitPrice } from '../providers/fal/client';
import { createModalClient, type ModalClient } from '../providers/modal/client';
import type { ProviderClient } from '../providers/types';
import { appsOf, models } from '../registry';

/** An app with named jobs answers within seconds; a plain one may have to start a container first. */
const answerSeconds = 30;
const modalApps = appsOf('modal');

export interface ClientSurroundings {
  /** What Fal's call-backs told the API. */
  falCallbacks: FalCallbacks;
  /** Told which form the jobs of an app have here. */
  onApp: (app: ProviderApp) => void;
  logger: Pick<Logger, 'warn'>;
}

export interface ProviderClients {
  clients: Partial<Record<ProviderName, ProviderClient>>;
  /** Asks the providers what a key may not do and which apps are plain, and logs it. A worker that runs calls it: a plain app starts a container to answer. */
  logLimits: () => void;
}

/** A client for every enabled provider. */
export function createProviderClients(
  { modal, fal, comfyui }: ProviderSettings,
  { falCallbacks, onApp, logger }: ClientSurroundings,
): ProviderClients {
  const falClient =
    fal &&
    createFalClient({
      ...fal,
      callbacks: falCallbacks,
      tablePrice: tablePriceOf,
      onCannotList: (status) => {
        logger.warn(
          { provider: 'fal', status },
          'the Fal key may not list requests: a submit whose answer is lost can be found by its call-back alone',
        );
      },
    });
  const modalClient = modal && openModal(modal, onApp);
  return {
    clients: {
      ...(modalClient !== undefined && { modal: modalClient }),
      ...(falClient !== undefined && { fal: falClient }),
      ...(comfyui !== undefined && { comfyui: createComfyUiClient(comfyui) }),
    },
    logLimits() {
      void falClient?.checkListing();
      if (modalClient !== undefined && modal?.namedJobs !== 'off') void namePlainApps(modalClient, logger);
    },
  };
}

/** With `off` no app is asked for its form: every job is a plain call. */
function openModal(settings: ModalSettings, onApp: ClientSurroundings['onApp']): ModalClient {
  if (settings.namedJobs === 'off') {
    for (const app of modalApps) onApp({ provider: 'modal', app, namedJobs: false });
    return createModalClient(settings);
  }
  return createModalClient({
    ...settings,
    onApp: ({ app, named }) => {
      onApp({ provider: 'modal', app, namedJobs: named });
    },
  });
}

/** Logs which Modal apps take no named jobs. Each app is asked once, and a plain one starts a container to answer. */
export async function namePlainApps(
  client: ModalClient,
  logger: { warn(about: object, message: string): void },
): Promise<void> {
  const patience = { signal: AbortSignal.timeout(2 * answerSeconds * 1000), patienceSeconds: answerSeconds };
  const apps = await client.apps(modalApps, patience);
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
