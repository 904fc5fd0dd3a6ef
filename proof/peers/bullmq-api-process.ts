import { Queue } from 'bullmq';
import { readFile } from 'node:fs/promises';
import { connection, pictureFile, queueName } from './bullmq-queue';
import type { PeerJob } from './peer-job';
import { serveJobs } from './serve-jobs';

const retries = { attempts: 3, backoff: { type: 'exponential', delay: 1000 } };

const queue = new Queue<PeerJob>(queueName, { connection });
// Without a listener an error of the connection would end the process.
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
  picture: (id) => readFile(pictureFile(id)).catch(() => undefined),
});
