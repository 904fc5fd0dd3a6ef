import { errorMessage } from '../../local/stack/error-message';
import { makePicture } from './call-providers';
import type { PeerJob, PeerJobState } from './peer-job';
import { providerUrls, serveJobs } from './serve-jobs';

/**
 * The first design this service replaces: a map of jobs in memory, and promises nobody waits for. Whoever asks gets the
 * state from the map.
 */
const states = new Map<string, PeerJobState>();
const pictures = new Map<string, Buffer>();

async function run(job: PeerJob): Promise<void> {
  try {
    pictures.set(job.id, await makePicture(job, providerUrls()));
    states.set(job.id, { status: 'completed' });
  } catch (error) {
    states.set(job.id, { status: 'failed', error: errorMessage(error) });
  }
}

void serveJobs({
  start(job) {
    if (!states.has(job.id)) {
      states.set(job.id, { status: 'running' });
      void run(job);
    }
    return Promise.resolve();
  },
  find: (id) => Promise.resolve(states.get(id)),
  picture: (id) => Promise.resolve(pictures.get(id)),
});
