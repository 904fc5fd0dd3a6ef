import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { jsonAnswer, type Answer } from '../http/answer';
import type { EmulatorContext } from '../context';
import type { FaultStage } from '../faults/fault-catalogue';
import { struck, type Handler, type Reaction } from '../http/reaction';
import { denyAccess } from './access';
import type { EndedJob } from './fal-job';
import type { FalJobs } from './jobs';
import { findEndpoint } from './paths';

type ErrorType = 'authorization_error' | 'validation_error' | 'not_found';

/** A repeated parameter, or one with commas, as a list. */
const list = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => [value].flat().flatMap((text) => text.split(',')));
const endpointIds = list.refine((ids) => ids.length <= 50 && !ids.includes(''), {
  message: 'must be 1 to 50 endpoint ids',
});
/** `2026-01-31` or `2026-01-31T00:00:00Z`, as Unix milliseconds. */
const moment = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], { error: 'must be an ISO 8601 date' })
  .transform((text) => Date.parse(text));
/** The vendor's cursor is the number of the next page in base64. */
const cursor = z
  .string()
  .transform((text) => Number(Buffer.from(text, 'base64').toString('utf8')))
  .refine((page) => Number.isInteger(page) && page >= 1, { message: 'is not a cursor' });

const listQuery = z.object({
  endpoint_id: endpointIds,
  start: moment.optional(),
  end: moment.optional(),
  status: z.enum(['success', 'error', 'user_error']).optional(),
  request_id: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: cursor.default(1),
  expand: list.pipe(z.array(z.enum(['payloads', 'billing']))).default([]),
  sort_by: z.enum(['ended_at', 'duration']).default('ended_at'),
});
type ListQuery = z.infer<typeof listQuery>;
const pricesQuery = z.object({ endpoint_id: endpointIds });

const day = 24 * 3600 * 1000;

/** The platform API of `api.fal.ai`: requests that ended, and unit prices. */
export class PlatformRoutes {
  readonly #context: EmulatorContext;
  readonly #jobs: FalJobs;

  constructor(context: EmulatorContext, jobs: FalJobs) {
    this.#context = context;
    this.#jobs = jobs;
  }

  /** Lets only callers with a key through; this API has error bodies of its own. */
  guarded(handle: Handler): Handler {
    return (request, reply) => {
      const denied = denyAccess(request, this.#context.settings.current.fal.key);
      if (denied === undefined) return handle(request, reply);
      return problem(401, 'authorization_error', 'Authentication required');
    };
  }

  /** `GET /v1/models/requests/by-endpoint`: what ended, newest first. */
  requests(request: FastifyRequest): Reaction {
    const query = listQuery.safeParse(request.query);
    return this.#answer('list', query.data?.endpoint_id, this.#list(query));
  }

  /** `GET /v1/models/pricing`: unit prices, true or not. */
  prices(request: FastifyRequest): Reaction {
    const query = pricesQuery.safeParse(request.query);
    return this.#answer('prices', query.data?.endpoint_id, this.#priceList(query));
  }

  #list(query: z.ZodSafeParseResult<ListQuery>): Answer {
    if (!this.#context.settings.current.fal.mayListRequests) {
      return problem(403, 'authorization_error', 'The API key may not list requests');
    }
    if (!query.success) return invalid(query.error);
    return jsonAnswer(200, page(this.#jobs.ended(), query.data));
  }

  #priceList(query: z.ZodSafeParseResult<z.infer<typeof pricesQuery>>): Answer {
    if (!query.success) return invalid(query.error);
    const { lyingPrices } = this.#context.settings.current.fal;
    const prices: unknown[] = [];
    for (const id of query.data.endpoint_id) {
      const price = findEndpoint(id)?.price;
      if (price === undefined) return problem(404, 'not_found', `Endpoint ${id} not found`);
      const unit = price.per === 'megapixel' ? 'megapixels' : 'images';
      // Rounded, as a factor leaves binary dust behind the price.
      const unitPrice = Number((price.usd * lyingPrices).toFixed(8));
      prices.push({ endpoint_id: id, unit_price: unitPrice, unit, currency: 'USD' });
    }
    return jsonAnswer(200, { prices, next_cursor: null, has_more: false });
  }

  /** A fault strikes by the first endpoint that is asked about. */
  #answer(stage: FaultStage, ids: readonly string[] = [], answer: Answer): Reaction {
    const fault = this.#context.faults.take('fal', stage, { endpoint: ids[0] ?? stage });
    return struck('fal', fault, answer) ?? answer;
  }
}

function page(ended: readonly EndedJob[], query: ListQuery): Record<string, unknown> {
  const now = Date.now();
  // A look-up by id goes back further: the vendor widens the window to 90 days.
  const start = query.start ?? now - (query.request_id === undefined ? 1 : 90) * day;
  const end = query.end ?? now;
  const found = ended
    .filter((job) => job.listedFrom <= now && job.endedAt >= start && job.endedAt < end)
    .filter((job) => query.endpoint_id.includes(job.endpointId))
    .filter((job) => query.request_id === undefined || query.request_id === job.id)
    .filter((job) => query.status === undefined || query.status === verdict(job))
    .sort((left, right) => sortKey(right, query) - sortKey(left, query));
  const from = (query.cursor - 1) * query.limit;
  const items = found.slice(from, from + query.limit).map((job) => item(job, query.expand));
  const more = found.length > from + query.limit;
  const nextCursor = more ? Buffer.from(String(query.cursor + 1)).toString('base64') : null;
  return { items, next_cursor: nextCursor, has_more: more };
}

function item(job: EndedJob, expand: readonly string[]): Record<string, unknown> {
  const { answer, startedAt, options } = job;
  const payloads = expand.includes('payloads') && options.storePayloads;
  return {
    request_id: job.id,
    endpoint_id: job.endpointId,
    sent_at: new Date(job.sentAt).toISOString(),
    started_at: startedAt === null ? null : new Date(startedAt).toISOString(),
    ended_at: new Date(job.endedAt).toISOString(),
    status_code: answer.status,
    duration: duration(job),
    ...(payloads && {
      json_input: job.input,
      json_output: JSON.parse(answer.body.toString('utf8')) as unknown,
    }),
  };
}

function verdict({ answer }: EndedJob): 'success' | 'error' | 'user_error' {
  if (answer.status < 400) return 'success';
  return answer.status < 500 ? 'user_error' : 'error';
}

function sortKey(job: EndedJob, { sort_by: by }: ListQuery): number {
  return by === 'duration' ? duration(job) : job.endedAt;
}

/** Real seconds from the submit to the end. */
function duration({ sentAt, endedAt }: EndedJob): number {
  return (endedAt - sentAt) / 1000;
}

function invalid(error: z.ZodError): Answer {
  const reasons = error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  return problem(400, 'validation_error', reasons.join('; '));
}

function problem(status: number, type: ErrorType, message: string): Answer {
  return jsonAnswer(status, { error: { type, message } });
}
