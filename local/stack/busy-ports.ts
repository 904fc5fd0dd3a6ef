import { errorMessage } from './error-message';
import { isPortFree } from './free-ports';

export interface WantedPort {
  port: number;
  /** What it is for, such as `API`. */
  purpose: string;
  /** Command line option that changes it. */
  option: string;
}

/** Thrown before anything is started when ports cannot be used; the message names each with its option. */
export class BusyPortError extends Error {
  override readonly name = 'BusyPortError';
}

/** Resolves when every port is free. @throws BusyPortError */
export async function requireFreePorts(wanted: readonly WantedPort[]): Promise<void> {
  const problems: string[] = [];
  for (const { port, purpose, option } of wanted) {
    const problem = await problemOf(port);
    if (problem !== undefined)
      problems.push(`Port ${port} (${purpose}) ${problem}; choose another with ${option} <port>.`);
  }
  if (problems.length === 0) return;
  throw new BusyPortError([...problems, 'Or move all ports at once with --port-base <port>.'].join('\n'));
}

async function problemOf(port: number): Promise<string | undefined> {
  try {
    return (await isPortFree(port)) ? undefined : 'is in use';
  } catch (error) {
    return `cannot be used (${errorMessage(error)})`;
  }
}
