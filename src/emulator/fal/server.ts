import type { FastifyReply, FastifyRequest } from 'fastify';
import { jsonAnswer, type Answer } from '../answer';
import type { EmulatorContext, ProviderEmulation } from '../context';
import { deliver } from '../deliver';
import { createHttpApp } from '../http-app';
import { denyAccess } from './access';
import { FalFiles } from './files';
import { FalJobs } from './jobs';
import { QueueRoutes } from './queue-routes';
import { StorageRoutes } from './storage-routes';
import { SubmitRoutes } from './submit-routes';

/** Fal's four hosts below one origin: `/queue`, `/run`, `/rest` and `/files`. */
export class FalServer implements ProviderEmulation {
  readonly app = createHttpApp();
  readonly #context: EmulatorContext;
  readonly #files = new FalFiles();
  readonly #jobs: FalJobs;

  constructor(context: EmulatorContext) {
    this.#context = context;
    this.#jobs = new FalJobs(context, this.#files);
    const submit = new SubmitRoutes(context, this.#jobs, this.#files);
    const queue = new QueueRoutes(context, this.#jobs);
    const storage = new StorageRoutes(context, this.#files);
    const guarded = this.#guarded.bind(this);
    this.app.post(
      '/queue/*',
      guarded((request, reply) => submit.queue(request, reply)),
    );
    this.app.post(
      '/run/*',
      guarded((request, reply) => submit.run(request, reply)),
    );
    this.app.get(
      '/queue/*',
      guarded((request, reply) => queue.read(request, reply)),
    );
    this.app.put(
      '/queue/*',
      guarded((request, reply) => queue.cancel(request, reply)),
    );
    this.app.post(
      '/rest/storage/upload/initiate',
      guarded((request, reply) => storage.initiate(request, reply)),
    );
    // Upload and download URLs carry no key: whoever knows them may use them.
    this.app.put('/files/upload/:id', (request, reply) => storage.receive(request, reply));
    this.app.get('/files/:id/:name', (request, reply) => storage.download(request, reply));
    this.app.setNotFoundHandler((_request, reply) => deliver(reply, notFound));
  }

  /** Requests live in the platform, not in the edge: they go on, and are there when the edge is back. */
  powerOff(): void {
    this.#context.log.info('fal is unreachable; its queue works on');
  }

  reset(): void {
    this.#jobs.reset();
    this.#files.reset();
  }

  #guarded(
    handle: (request: FastifyRequest, reply: FastifyReply) => Promise<void>,
  ): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
    return async (request, reply) => {
      const denied: Answer | undefined = denyAccess(request, this.#context.settings.current.fal.key);
      if (denied === undefined) await handle(request, reply);
      else await deliver(reply, denied);
    };
  }
}

const notFound = jsonAnswer(404, { detail: 'Not Found' });
