import type { Logger } from 'pino';
import { freePorts } from './free-ports';

/** TCP ports of 127.0.0.1. The emulator's three providers take the three ports after its control port unless given. */
export interface StackPorts {
  api: number;
  temporal: number;
  temporalUi: number;
  postgres: number;
  emulator: { control: number; modal: number; fal: number; comfyui: number };
}

/** Offsets from `--port-base`; with the default base of 9800 they give the ports in the README. */
const defaultBase = 9800;

/** The ports that belong to a base: API +0, emulator +10 to +13, PostgreSQL +32, Temporal +33, its UI +34. */
export function portsFromBase(base: number = defaultBase): StackPorts {
  return {
    api: base,
    temporal: base + 33,
    temporalUi: base + 34,
    postgres: base + 32,
    emulator: emulatorPorts(base + 10),
  };
}

/** Four ports in a row: control API, Modal, Fal, ComfyUI. */
export function emulatorPorts(control: number): StackPorts['emulator'] {
  return { control, modal: control + 1, fal: control + 2, comfyui: control + 3 };
}

/** Free ones, so that a stack runs beside `npm start` and beside others of its kind. */
export async function freeStackPorts(): Promise<StackPorts> {
  const [api = 0, temporal = 0, temporalUi = 0, postgres = 0, ...emulator] = await freePorts(8);
  const [control = 0, modal = 0, fal = 0, comfyui = 0] = emulator;
  return { api, temporal, temporalUi, postgres, emulator: { control, modal, fal, comfyui } };
}

export interface StackOptions {
  /** Directory of the project: its programs are compiled and run. */
  projectDirectory: string;
  /** Database files, pictures, logs and `stack.json`. Absolute. */
  dataDirectory: string;
  ports: StackPorts;
  environment: NodeJS.ProcessEnv;
  logger: Logger;
  /** Worker processes, each restarted by itself: `worker`, `worker-2` and so on. Default 1. */
  workers?: number;
  /** What a worker has in its environment beside or instead of what all have, by its name. */
  workerEnvironments?: Readonly<Record<string, NodeJS.ProcessEnv>>;
  /** Removes everything in the data directory first. Default false. */
  fresh?: boolean;
}
