import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { errorCode } from './error-code';

/**
 * Ports below those the kernel gives to outgoing connections (from 32768 on Linux, 49152 on macOS): such a connection
 * could take a port between its choice here and its use.
 */
const lowest = 15_000;
const highest = 32_000;

/** Where this process goes on looking; others began elsewhere. */
let next = randomInt(lowest, highest);

/** `count` different TCP ports of 127.0.0.1 that were free a moment ago. No port is given out twice by one process. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = next;
    next = next === highest ? lowest : next + 1;
    if (await isPortFree(port)) ports.push(port);
  }
  return ports;
}

/** Whether nothing listens on this port of 127.0.0.1. @throws when the port may not be used at all (below 1024). */
export async function isPortFree(port: number): Promise<boolean> {
  try {
    await close(await listen(port));
    return true;
  } catch (error) {
    if (errorCode(error) === 'EADDRINUSE') return false;
    throw error;
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
