import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { standbyArgument } from '../domain/standby';

/**
 * A worker that is started ahead waits here, loaded, until a line of input says that it is wanted. Any other goes on at
 * once. The end of the input says that whoever would have wanted it is gone.
 *
 * @returns whether it is wanted
 */
export async function untilWanted(args: readonly string[], input: Readable): Promise<boolean> {
  if (!args.includes(standbyArgument)) return true;
  const isWanted = await Promise.race([
    once(input, 'data').then(() => true),
    once(input, 'end').then(() => false),
  ]);
  // It would keep the process alive when all work is done.
  input.destroy();
  return isWanted;
}
