// A build puts this module in the place of `@temporalio/workflow` itself.
import * as workflow from '@temporalio/workflow/lib';

export * from '@temporalio/workflow/lib';

/** One more timer beside every wait. Only runs that have waited notice. */
export async function sleep(...[duration, options]: Parameters<typeof workflow.sleep>): Promise<void> {
  await Promise.all([workflow.sleep(duration, options), workflow.sleep(1)]);
}

export function condition(isSo: () => boolean, timeout: string | number): Promise<boolean>;
export function condition(isSo: () => boolean): Promise<void>;
export async function condition(isSo: () => boolean, timeout?: string | number): Promise<boolean | void> {
  if (timeout === undefined) return workflow.condition(isSo);
  const [result] = await Promise.all([workflow.condition(isSo, timeout), workflow.sleep(1)]);
  return result;
}
