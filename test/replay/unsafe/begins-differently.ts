import { sleep } from '@temporalio/workflow';
import * as workflows from '../../../src/workflows';

type Workflow = (...args: never[]) => Promise<unknown>;

/** A timer before the first step. Every run notices. */
function later<Flow extends Workflow>(flow: Flow): Flow {
  const changed = async (...args: Parameters<Flow>): Promise<unknown> => {
    await sleep(1);
    return flow(...args);
  };
  return changed as Flow;
}

export const baseImages = later(workflows.baseImages);
export const profilePictures = later(workflows.profilePictures);
export const studioGeneration = later(workflows.studioGeneration);
export const providerWatch = later(workflows.providerWatch);
