import path from 'node:path';
import { pino } from 'pino';
import { createSupervisor } from '../../local/stack/supervisor';
import { fakeProgram, fakeService } from './fake-service';

/** A supervisor in a process of its own, for a test to kill. Prints the process ids of its children. */
async function main(dataDirectory: string): Promise<void> {
  const events = path.join(dataDirectory, 'events');
  const supervisor = createSupervisor({
    services: ['worker', 'api'].map((name) => fakeService(name, fakeProgram(events, name))),
    dataDirectory,
    logger: pino({ level: 'silent' }),
  });
  await supervisor.start();
  process.stdout.write(`${JSON.stringify(Object.values(supervisor.pids()))}\n`);
}

void main(process.argv[2] ?? '');
