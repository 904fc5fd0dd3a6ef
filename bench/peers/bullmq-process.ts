import { Queue, Worker } from 'bullmq';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makePicture } from './call-providers';
import type { PeerJob } from './peer-job';
import { providerUrls, serveJobs } from './serve-jobs';

/**
 * The second design this service replaces: BullMQ on Redis. Retries as in its guide ("Retrying failing jobs":
 * `attempts: 3`, exponential backoff from 1 s); locks, stall checks and everything else by default.
 */
const connection = { host: '127.0.0.1', port: Number(process.env['PEER_REDIS_PORT']) };
const directory = process.env['PEER_DIRECTORY'] ?? '.';
const retries = { attempts: 3, backoff: { type: 'exponential', delay: 1000 } };
/** As many calls at once as the worker of this project makes at one provider. */
const concurrency = 100;

const queue = new Queue<PeerJob>('pictures', { connection });
const worker = new Worker<PeerJob>(
  'pictures',
  async ({ data }) => {
    await writeFile(path.join(directory, data.id), await makePicture(data, providerUrls()));
  },
  { connection, concurrency },
);
// Without a listener an error of the connection would end the process.
worker.on('error', () => undefined);
queue.on('error', () => undefined);

void serveJobs({
  async start(job) {
    await queue.add('picture', job, { jobId: job.id, ...retries });
  },
  async find(id) {
    const job = await queue.getJob(id);
    if (job === undefined) return undefined;
    const state = await job.getState();
    if (state === 'completed') return { status: 'completed' };
    return state === 'failed' ? { status: 'failed', error: job.failedReason } : { status: 'running' };
  },
  picture: (id) => readFile(path.join(directory, id)).catch(() => undefined),
});
