import { jsonAnswer } from '../http/answer';
import type { EmulatorContext, ProviderEmulation } from '../context';
import { createHttpApp } from '../http/http-app';
import { route, type Handler } from '../http/reaction';
import { denyAccess } from './access';
import { FalFiles } from './files';
import { FalJobs } from './jobs';
import { PlatformRoutes } from './platform-routes';
import { QueueRoutes } from './queue-routes';
import { StorageRoutes } from './storage-routes';
import { SubmitRoutes } from './submit-routes';
import { FalWebhooks } from './webhooks';

/** Fal's five hosts below one origin: `/queue`, `/run`, `/rest`, `/files` and `/platform`. */
export class FalServer implements ProviderEmulation {
  readonly app = createHttpApp();
  readonly #context: EmulatorContext;
  readonly #files = new FalFiles();
  readonly #webhooks: FalWebhooks;
  readonly #jobs: FalJobs;

  constructor(context: EmulatorContext) {
    this.#context = context;
    this.#webhooks = new FalWebhooks(context);
    this.#jobs = new FalJobs(context, this.#files, this.#webhooks);
    this.#addQueueRoutes();
    this.#addFileRoutes();
    this.#addPlatformRoutes();
    this.app.setNotFoundHandler(route(() => jsonAnswer(404, { detail: 'Not Found' })));
  }

  /** Requests live in the platform, not in the edge: they go on, and are there when the edge is back. */
  powerOff(): void {
    this.#context.log.info('fal is unreachable; its queue works on');
  }

  reset(): void {
    this.#jobs.reset();
    this.#files.reset();
  }

  #addQueueRoutes(): void {
    const submit = new SubmitRoutes(this.#context, this.#jobs, this.#files);
    const queue = new QueueRoutes(this.#context, this.#jobs);
    this.app.post(
      '/queue/*',
      this.#guarded((request) => submit.queue(request)),
    );
    this.app.post(
      '/run/*',
      this.#guarded((request, reply) => submit.run(request, reply)),
    );
    this.app.get(
      '/queue/*',
      this.#guarded((request, reply) => queue.read(request, reply)),
    );
    this.app.put(
      '/queue/*',
      this.#guarded((request) => queue.cancel(request)),
    );
  }

  #addFileRoutes(): void {
    const storage = new StorageRoutes(this.#context, this.#files);
    const initiate = this.#guarded((request) => storage.initiate(request));
    this.app.post('/rest/storage/upload/initiate', initiate);
    // Upload and download URLs carry no key: whoever knows them may use them.
    this.app.put(
      '/files/upload/:id',
      route((request) => storage.receive(request)),
    );
    this.app.get(
      '/files/:id/:name',
      route((request) => storage.download(request)),
    );
  }

  #addPlatformRoutes(): void {
    const platform = new PlatformRoutes(this.#context, this.#jobs);
    const requests = platform.guarded((request) => platform.requests(request));
    this.app.get('/platform/v1/models/requests/by-endpoint', route(requests));
    const prices = platform.guarded((request) => platform.prices(request));
    this.app.get('/platform/v1/models/pricing', route(prices));
    // Public, like every key set.
    this.app.get(
      '/rest/.well-known/jwks.json',
      route(() => jsonAnswer(200, this.#webhooks.keySet)),
    );
  }

  #guarded(handle: Handler): ReturnType<typeof route> {
    return route((request, reply) => {
      const { key } = this.#context.settings.current.fal;
      return denyAccess(request, key) ?? handle(request, reply);
    });
  }
}
