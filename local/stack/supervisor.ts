import path from 'node:path';
import type { Logger } from 'pino';
import { recordProcesses, type ProcessRecord } from './leftover-processes';
import { processIdentity } from './process-identity';
import type { Service } from './service';
import { defaultRestartBackoff, ServiceKeeper, type RestartBackoff } from './service-keeper';
import { openServiceLog, type ServiceLog } from './service-log';

export interface SupervisorOptions {
  /** In the order they are started; stopped in the reverse order. */
  services: readonly Service[];
  dataDirectory: string;
  logger: Logger;
  /** Called when a process came or went after `start` has resolved. */
  onChange?: () => void;
  backoff?: RestartBackoff;
}

export interface Supervisor {
  /** Resolves when every service is ready. @throws ServiceStartError; call `stop` then. */
  start(): Promise<void>;
  /** Stops everything that runs, last started first. May be called at any time and more than once. */
  stop(): Promise<void>;
  /** Ends everything at once, without grace. */
  kill(): void;
  /** Process ids by service; a service that is just being restarted is left out. */
  pids(): Record<string, number>;
}

/** File in the data directory that names the running processes. */
export function processRecordFile(dataDirectory: string): string {
  return path.join(dataDirectory, 'processes.json');
}

/** Runs services in order, keeps them running and stops them in reverse order. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { services, dataDirectory, logger } = options;
  let phase: 'starting' | 'running' | 'stopping' = 'starting';
  const logs: ServiceLog[] = [];
  const keepers: ServiceKeeper[] = [];

  const changed = (): void => {
    recordProcesses(processRecordFile(dataDirectory), records(services, keepers));
    if (phase === 'running') options.onChange?.();
  };
  for (const service of services) {
    const log = openServiceLog(path.join(dataDirectory, 'logs'), service.name, ({ level, message }) => {
      const wanted = level === 'error' || service.showFrom === 'warn';
      const shown = wanted && service.leftOut?.has(message) !== true;
      if (shown && phase !== 'stopping') logger[level]({ name: service.name }, message);
    });
    logs.push(log);
    const backoff = options.backoff ?? defaultRestartBackoff;
    keepers.push(new ServiceKeeper({ service, log, logger, backoff, onChange: changed }));
  }

  return {
    async start() {
      for (const keeper of keepers) await keeper.start();
      phase = 'running';
    },
    async stop() {
      phase = 'stopping';
      for (const keeper of keepers.toReversed()) await keeper.stop();
      await Promise.all(logs.map((log) => log.close()));
    },
    kill() {
      phase = 'stopping';
      for (const keeper of keepers) keeper.kill();
    },
    pids: () =>
      Object.fromEntries(keepers.flatMap(({ name, pid }) => (pid === undefined ? [] : [[name, pid]]))),
  };
}

function records(services: readonly Service[], keepers: readonly ServiceKeeper[]): ProcessRecord[] {
  return keepers.flatMap(({ name, pid, standbyPid }) => {
    const signal = services.find((service) => service.name === name)?.stopSignal;
    return [...recordOf(name, pid, signal), ...recordOf(`${name} (standing by)`, standbyPid, signal)];
  });
}

function recordOf(
  name: string,
  pid: number | undefined,
  signal: NodeJS.Signals | undefined,
): ProcessRecord[] {
  const identity = pid === undefined ? undefined : processIdentity(pid);
  return identity === undefined
    ? []
    : [{ name, identity, signal: signal === 'SIGINT' ? 'SIGINT' : 'SIGTERM' }];
}
