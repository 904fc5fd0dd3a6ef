import { ProviderError } from '../errors';
import { readJson } from '../http/read-body';
import { failureOf, isSuccess, trimmed, type ExchangeOptions, type FalApi, type UnitPrice } from './api';
import { falListSchema, falPricesSchema, type ListedRequest } from './wire';

/** Fal lists at most that many at once. */
const pageSize = 100;
/** Pages of one look: more would take longer than a look may. */
const mostPages = 40;
/** Limits of one free request. */
const deadlines = { connectSeconds: 5, firstByteSeconds: 10, idleSeconds: 10 };
/** A submit waits no longer than this for the answer whether it could be found again. */
const rightSeconds = 3;
/** After a refusal. */
const refusedMs = 10 * 60_000;
/** After a question about our right that nobody answered. */
const askAgainMs = 60_000;

export interface ListQuery {
  endpoint: string;
  startMs: number;
  endMs: number;
  /** Narrows the list to one request. */
  requestId?: string | undefined;
  signal: AbortSignal;
}

/** Fal's platform API: which requests ended, and what a unit costs. Everything here is free. */
export class FalPlatform {
  private mayList: boolean | undefined;
  private asking: Promise<void> | undefined;
  private askAgainAtMs = 0;

  constructor(private readonly api: FalApi) {}

  /**
   * Whether our key may list requests; taken for granted until somebody answered. Never throws.
   *
   * A refusal is told by `onCannotList`, and holds for ten minutes: a locked account is refused in the same way.
   */
  async canList(): Promise<boolean> {
    if (this.mayList !== true && Date.now() >= this.askAgainAtMs) {
      this.asking ??= this.askForRight().finally(() => {
        this.asking = undefined;
      });
    }
    await this.asking;
    return this.mayList ?? true;
  }

  /**
   * All requests of an endpoint in a stretch of time that have ended, with their inputs. Fal lists none that still runs.
   *
   * @throws ProviderError of class `auth` when our key may not list them, `list_too_long` when there are too many.
   */
  async endedRequests(query: ListQuery): Promise<ListedRequest[]> {
    const found: ListedRequest[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < mostPages; page += 1) {
      const list = await this.page(query, cursor);
      found.push(...list.items);
      cursor = list.next_cursor ?? undefined;
      if (cursor === undefined || list.has_more === false) return found;
    }
    throw new ProviderError('Fal lists more requests of that time than one look can read', {
      ...{ provider: 'fal', code: 'list_too_long', outcome: 'nobody_knows' },
    });
  }

  /** What Fal charges per unit now; `undefined` when it does not say, or not in USD. @throws ProviderError */
  async unitPrice(endpoint: string): Promise<UnitPrice | undefined> {
    const url = `${this.base()}/v1/models/pricing?${new URLSearchParams({ endpoint_id: endpoint }).toString()}`;
    const signal = AbortSignal.timeout(deadlines.firstByteSeconds * 1000);
    const reply = await this.api.send({ method: 'GET', url, deadlines, signal });
    if (!isSuccess(reply)) throw await failureOf(reply, 'list');
    const { prices = [] } = falPricesSchema.safeParse(await readJson(reply)).data ?? {};
    const price = prices.find(({ endpoint_id: id }) => id === endpoint);
    if (price?.currency.toUpperCase() !== 'USD') return undefined;
    return { unitPriceUsd: price.unit_price, source: 'Fal pricing API', asOf: new Date().toISOString() };
  }

  private async page(query: ListQuery, cursor: string | undefined) {
    const { endpoint, startMs, endMs, requestId, signal } = query;
    const parameters = new URLSearchParams({
      endpoint_id: endpoint,
      start: new Date(startMs).toISOString(),
      end: new Date(endMs).toISOString(),
      expand: 'payloads',
      limit: String(pageSize),
      ...(requestId !== undefined && { request_id: requestId }),
      ...(cursor !== undefined && { cursor }),
    });
    const reply = await this.list(parameters, { deadlines, signal });
    if (!isSuccess(reply)) {
      if (isRefusal(reply.status)) this.refused(reply.status);
      throw await failureOf(reply, 'list');
    }
    const list = falListSchema.safeParse(await readJson(reply)).data;
    if (list !== undefined) return list;
    throw new ProviderError('Fal answered a look at its list with something else', {
      ...{ provider: 'fal', code: 'reply_invalid', outcome: 'nobody_knows' },
    });
  }

  private async askForRight(): Promise<void> {
    this.askAgainAtMs = Date.now() + askAgainMs;
    const parameters = new URLSearchParams({ endpoint_id: 'fal-ai/flux/dev', limit: '1' });
    try {
      const signal = AbortSignal.timeout(rightSeconds * 1000);
      const reply = await this.list(parameters, { deadlines, signal });
      await readJson(reply);
      if (isRefusal(reply.status)) this.refused(reply.status);
      else if (isSuccess(reply)) this.mayList = true;
    } catch {
      // Nobody answered, which says nothing about our right.
    }
  }

  private refused(status: number): void {
    if (this.mayList !== false) this.api.settings.onCannotList?.(status);
    this.mayList = false;
    this.askAgainAtMs = Date.now() + refusedMs;
  }

  private async list(parameters: URLSearchParams, options: ExchangeOptions) {
    const url = `${this.base()}/v1/models/requests/by-endpoint?${parameters.toString()}`;
    // Looks are rare: a connection from the pool would be an old one, which the other side may just have closed.
    return await this.api.send({ method: 'GET', url, freshConnection: true, ...options });
  }

  private base(): string {
    return trimmed(this.api.settings.platformUrl);
  }
}

function isRefusal(status: number): boolean {
  return status === 401 || status === 403;
}
