import { Worker } from 'bullmq';
import Fastify from 'fastify';
import { writeFile } from 'node:fs/promises';
import { connection, pictureFile, queueName } from './bullmq-queue';
import { makePicture } from './call-providers';
import type { PeerJob } from './peer-job';
import { providerUrls } from './serve-jobs';

/** As many calls at once as the worker of this project makes at one provider. */
const concurrency = 100;

const worker = new Worker<PeerJob>(
  queueName,
  async ({ data }) => {
    await writeFile(pictureFile(data.id), await makePicture(data, providerUrls()));
  },
  { connection, concurrency },
);
// Without a listener an error of the connection would end the process.
worker.on('error', () => undefined);

/** Answers once the worker takes jobs, as a health check would. */
async function main(): Promise<void> {
  await worker.waitUntilReady();
  await Fastify().listen({ host: '127.0.0.1', port: Number(process.env['PEER_PORT']) });
}

void main();
