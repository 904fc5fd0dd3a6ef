import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { z } from 'zod';
import { faultCatalogue } from '../faults/fault-catalogue';
import { settingsPatchSchema } from '../settings';
import type { EmulatorContext } from '../context';
import type { ModalServer } from '../modal/server';
import type { ProviderId } from '../provider-id';
import type { ProviderListener, ProviderState } from '../http/provider-listener';
import {
  faultIdSchema,
  journalQuerySchema,
  loraParametersSchema,
  newFaultSchema,
  providerParametersSchema,
  providerStateSchema,
} from './schemas';

/** What the control API steers. */
export interface ControlTarget {
  readonly context: EmulatorContext;
  readonly modal: ModalServer;
  readonly listeners: Readonly<Record<ProviderId, ProviderListener>>;
  setProviderState(provider: ProviderId, state: ProviderState): Promise<void>;
  reset(): Promise<void>;
}

/** The control API: faults, outages, settings and the journal. Wrong bodies are 400 and name the field. */
export function createControlApp(target: ControlTarget): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true });
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    readJson(String(text), done);
  });
  app.setErrorHandler<FastifyError | z.ZodError>((error, _request, reply) => {
    if (error instanceof z.ZodError) return reply.code(400).send(problem(error));
    return reply.code(error.statusCode ?? 500).send({ error: error.message, issues: [] });
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: `no such control route: ${request.method} ${request.url}`, issues: [] }),
  );
  addStateRoutes(app, target);
  addFaultRoutes(app, target);
  addJournalRoutes(app, target);
  addLoraRoutes(app, target);
  return app;
}

function addStateRoutes(app: FastifyInstance, target: ControlTarget): void {
  const { settings, seed } = target.context;
  app.get('/control/health', () => ({ status: 'ok', seed, providers: providerStates(target) }));
  app.get('/control/providers', () => providerStates(target));
  app.post('/control/providers/:name', async (request) => {
    const { name } = providerParametersSchema.parse(request.params);
    const { state } = providerStateSchema.parse(request.body);
    await target.setProviderState(name, state);
    return { name, state };
  });
  app.get('/control/settings', () => settings.current);
  app.put('/control/settings', (request) => settings.change(settingsPatchSchema.parse(request.body)));
  app.post('/control/reset', async (_request, reply) => {
    await target.reset();
    return await reply.code(204).send();
  });
}

function addFaultRoutes(app: FastifyInstance, { context: { faults } }: ControlTarget): void {
  app.get('/control/faults', () => ({ faults: faults.list() }));
  app.get('/control/fault-catalogue', () => faultCatalogue);
  app.post('/control/faults', (request, reply) =>
    reply.code(201).send(faults.add(newFaultSchema.parse(request.body))),
  );
  app.delete('/control/faults/:id', async (request, reply) => {
    const { id } = faultIdSchema.parse(request.params);
    if (!faults.remove(id)) return await reply.code(404).send({ error: `no such fault: ${id}`, issues: [] });
    return await reply.code(204).send();
  });
  app.delete('/control/faults', async (_request, reply) => {
    faults.clear();
    return await reply.code(204).send();
  });
}

function addJournalRoutes(app: FastifyInstance, { context: { journal } }: ControlTarget): void {
  app.get('/control/journal', (request) => journal.read(journalQuerySchema.parse(request.query)));
  app.delete('/control/journal', async (_request, reply) => {
    journal.clear();
    return await reply.code(204).send();
  });
}

function addLoraRoutes(app: FastifyInstance, { modal: { loras } }: ControlTarget): void {
  app.get('/control/loras', () => ({ loras: loras.list() }));
  app.put('/control/loras/:file', (request) => {
    loras.add(loraParametersSchema.parse(request.params).file);
    return { loras: loras.list() };
  });
  app.delete('/control/loras/:file', (request, reply) => {
    const { file } = loraParametersSchema.parse(request.params);
    if (!loras.remove(file)) return reply.code(404).send({ error: `no such LoRA file: ${file}`, issues: [] });
    return { loras: loras.list() };
  });
}

function providerStates({ listeners }: ControlTarget): Record<string, { state: ProviderState; url: string }> {
  return Object.fromEntries(
    Object.entries(listeners).map(([name, { state, url }]) => [name, { state, url }]),
  );
}

/** Clients that declare JSON and then send no body (as many do on DELETE) mean no body. */
function readJson(text: string, done: (error: Error | null, body?: unknown) => void): void {
  try {
    done(null, text === '' ? undefined : JSON.parse(text));
  } catch {
    done(Object.assign(new Error('body: is not valid JSON'), { statusCode: 400 }));
  }
}

function problem(error: z.ZodError): { error: string; issues: { field: string; message: string }[] } {
  const issues = error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [{ field: issue.path.join('.'), message: issue.message }];
    return issue.keys.map((key) => ({ field: [...issue.path, key].join('.'), message: 'unknown field' }));
  });
  const summary = issues.map(({ field, message }) => `${field === '' ? 'body' : field}: ${message}`);
  return { error: summary.join('; '), issues };
}
