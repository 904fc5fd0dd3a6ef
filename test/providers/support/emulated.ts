import { startEmulator, type RunningEmulator } from '../../../emulator/start-emulator';
import { createFalClient } from '../../../src/providers/fal/client';
import { createModalClient, type ModalClient } from '../../../src/providers/modal/client';
import type { ProviderClient } from '../../../src/providers/types';

/** Real seconds per provider second: Modal's 150 s limit of one request becomes 0.3 s. */
const timeScale = 0.002;

/** An emulator in which every job takes a provider second, and the clients that talk to it: `modal` in plain calls. */
export async function startEmulated(): Promise<
  RunningEmulator & { modal: ProviderClient; named: ModalClient; fal: ProviderClient }
> {
  const emulator = await startEmulator({ timeScale });
  const { modal, fal } = emulator.urls;
  emulator.settings.change({ fixedLatencySeconds: 1 });
  return {
    ...emulator,
    modal: createModalClient({ baseUrl: `${modal}/{app}`, namedJobs: 'off' }),
    named: createModalClient({ baseUrl: `${modal}/{app}` }),
    fal: createFalClient({
      queueUrl: `${fal}/queue`,
      restUrl: `${fal}/rest`,
      platformUrl: `${fal}/platform`,
      key: 'id:secret',
      mediaHosts: [new URL(fal).host],
      firstPollPauseMs: 20,
    }),
  };
}
export type Emulated = Awaited<ReturnType<typeof startEmulated>>;

/** Back to the state `startEmulated` left. */
export async function resetEmulated(emulated: Emulated): Promise<void> {
  await emulated.reset();
  emulated.settings.change({ fixedLatencySeconds: 1 });
}
