import { setTimeout as sleep } from 'node:timers/promises';

const deadlineMs = 30_000;
const pauseMs = 100;

/** For moments no event tells of: asks again until it is so. @throws Error after 30 s */
export async function waitUntil(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not so within ${deadlineMs} ms`);
    await sleep(pauseMs);
  }
}
