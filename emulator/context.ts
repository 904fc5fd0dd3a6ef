import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Clock } from './clock';
import type { FaultBoard } from './faults/faults';
import type { Journal } from './journal';
import type { SettingsHolder } from './settings';

/** What every emulated provider shares. */
export interface EmulatorContext {
  /** Everything random follows from it. */
  readonly seed: number;
  readonly settings: SettingsHolder;
  readonly clock: Clock;
  readonly faults: FaultBoard;
  readonly journal: Journal;
  readonly log: Logger;
}

/** One emulated provider: its HTTP application and what an outage or a reset does to its jobs. */
export interface ProviderEmulation {
  readonly app: FastifyInstance;
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** The provider's machines are gone: what that does to running jobs is the provider's nature. */
  powerOff(): void;
  /** The machine stands still and goes on where it was; absent where a provider is no single machine. */
  freeze?(): void;
  thaw?(): void;
  /** Back to the state after start. */
  reset(): void;
}
