import { pino, type Logger } from 'pino';
import { Clock } from './clock';
import { ComfyUiServer } from './comfyui/server';
import type { EmulatorContext, ProviderEmulation } from './context';
import { createControlApp } from './control/server';
import { FalServer } from './fal/server';
import { FaultBoard } from './faults/faults';
import { Journal } from './journal';
import { ModalServer } from './modal/server';
import { providerIds, type ProviderId } from './provider-id';
import { ProviderListener, type ProviderState } from './http/provider-listener';
import { SettingsHolder } from './settings';

/** All optional: an empty object listens on free loopback ports. */
export interface EmulatorOptions {
  /** Default 127.0.0.1. */
  host?: string | undefined;
  /** Default 0: any free port. */
  ports?: Partial<Record<ProviderId | 'control', number>> | undefined;
  /** Factor on every provider-side duration; default 0.1. */
  timeScale?: number | undefined;
  /** Decides jitter and the draws of faults with a probability; default 1. */
  seed?: number | undefined;
  /** Whether Modal's apps take named jobs; default `named`. */
  modalJobs?: 'named' | 'plain' | undefined;
  /** Default: silent. */
  logger?: Logger | undefined;
}

/** An emulator that listens on all four ports. */
export interface RunningEmulator {
  readonly urls: Readonly<Record<ProviderId | 'control', string>>;
  /** The same ledger, fault board and switches the control API serves. */
  readonly journal: Journal;
  readonly faults: FaultBoard;
  readonly settings: SettingsHolder;
  /** @throws CannotFreeze for the state `frozen` of any but the pod. */
  setProviderState(provider: ProviderId, state: ProviderState): Promise<void>;
  /** Back to the state after start: jobs, faults, journal, settings and files are gone, providers are up. */
  reset(): Promise<void>;
  /** Ends every wait, cuts every connection and stops listening. */
  close(): Promise<void>;
}

/** Starts the emulated providers and their control API. @throws PortTaken when a port is in use. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<RunningEmulator> {
  const context = createContext(options);
  const modal = new ModalServer(context);
  const emulations = { modal, fal: new FalServer(context), comfyui: new ComfyUiServer(context) };
  const listeners = createListeners(emulations, options);
  const steering = createSteering(context, emulations, listeners);
  const controlApp = createControlApp({ context, modal, listeners, ...steering });
  const control = new ProviderListener({ ...address('control', options), app: controlApp });
  const all = { control, ...listeners };
  const apps = [controlApp, ...providerIds.map((id) => emulations[id].app)];
  const close = async (): Promise<void> => {
    context.clock.startNewEra();
    for (const id of providerIds) emulations[id].reset();
    await Promise.all(Object.values(all).map((listener) => listener.setState('down')));
    await Promise.all(apps.map((app) => app.close()));
  };
  try {
    await Promise.all(apps.map((app) => app.ready()));
    await Promise.all(Object.entries(all).map(([name, listener]) => bringUp(name, listener)));
  } catch (error) {
    await close();
    throw error;
  }
  const urls = { control: control.url, modal: all.modal.url, fal: all.fal.url, comfyui: all.comfyui.url };
  const { journal, faults, settings } = context;
  return { urls, journal, faults, settings, ...steering, close };
}

/** A port somebody else listens on. The message names the port and how to choose another. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken';

  constructor(name: string, port: number, cause: unknown) {
    super(`Port ${port} is in use: set EMULATOR_${name.toUpperCase()}_PORT to another one (0 takes any).`, {
      cause,
    });
  }
}

/** Thrown where a state does not exist: a platform of many machines does not freeze as one. */
export class CannotFreeze extends Error {
  override readonly name = 'CannotFreeze';
  readonly statusCode = 400;

  constructor(provider: ProviderId) {
    super(`state: ${provider} cannot be frozen, only one machine can: comfyui`);
  }
}

function createContext(options: EmulatorOptions): EmulatorContext {
  const { timeScale = 0.1, seed = 1, modalJobs = 'named', logger } = options;
  const settings = new SettingsHolder({ timeScale, modalJobs });
  return {
    seed,
    settings,
    clock: new Clock(settings),
    faults: new FaultBoard(seed),
    journal: new Journal(),
    log: logger ?? pino({ level: 'silent' }),
  };
}

function createSteering(
  context: EmulatorContext,
  emulations: Readonly<Record<ProviderId, ProviderEmulation>>,
  listeners: Readonly<Record<ProviderId, ProviderListener>>,
): Pick<RunningEmulator, 'setProviderState' | 'reset'> {
  const setProviderState = async (provider: ProviderId, state: ProviderState): Promise<void> => {
    const [listener, emulation] = [listeners[provider], emulations[provider]];
    if (listener.state === state) return;
    if (state === 'frozen' && emulation.freeze === undefined) throw new CannotFreeze(provider);
    if (state === 'down') emulation.powerOff();
    if (state === 'frozen') emulation.freeze?.();
    else if (listener.state === 'frozen') emulation.thaw?.();
    await listener.setState(state);
    context.log.info({ provider, state }, 'provider state changed');
  };
  const reset = async (): Promise<void> => {
    context.clock.startNewEra();
    for (const id of providerIds) emulations[id].reset();
    context.faults.clear();
    context.journal.clear();
    context.settings.reset();
    await Promise.all(providerIds.map((id) => setProviderState(id, 'up')));
  };
  return { setProviderState, reset };
}

function createListeners(
  emulations: Readonly<Record<ProviderId, ProviderEmulation>>,
  options: EmulatorOptions,
): Readonly<Record<ProviderId, ProviderListener>> {
  const listenerFor = (id: ProviderId): ProviderListener => {
    const { app, onUpgrade } = emulations[id];
    return new ProviderListener({ ...address(id, options), app, onUpgrade: onUpgrade?.bind(emulations[id]) });
  };
  return { modal: listenerFor('modal'), fal: listenerFor('fal'), comfyui: listenerFor('comfyui') };
}

function address(name: ProviderId | 'control', options: EmulatorOptions): { host: string; port: number } {
  return { host: options.host ?? '127.0.0.1', port: options.ports?.[name] ?? 0 };
}

async function bringUp(name: string, listener: ProviderListener): Promise<void> {
  try {
    await listener.setState('up');
  } catch (error) {
    throw isAddressInUse(error) ? new PortTaken(name, listener.port, error) : error;
  }
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
