import type { Billing } from '../../domain/attempt-record';
import type { UnitPrice } from './api';
import type { FalPlatform } from './platform';

const freshMs = 24 * 3600 * 1000;
/** After a price that could not be had. */
const retryMs = 60_000;

/** What a unit of each endpoint costs: by Fal's own word of the last day, else by our table. */
export class FalPrices {
  private readonly told = new Map<string, UnitPrice>();
  private readonly askAgainAtMs = new Map<string, number>();

  constructor(
    private readonly platform: FalPlatform,
    private readonly tablePrice: (endpoint: string) => UnitPrice | undefined,
  ) {}

  /** Asks for the price in the background where the known one is a day old. A result never waits for it. */
  refresh(endpoint: string): void {
    if (Date.now() < (this.askAgainAtMs.get(endpoint) ?? 0)) return;
    this.askAgainAtMs.set(endpoint, Date.now() + retryMs);
    void this.ask(endpoint).catch(() => undefined);
  }

  /**
   * What so many units cost; `undefined` where nobody knows the price of one. A price list can be wrong: where the unit
   * price stands is kept, so that a bill can be compared with it later.
   */
  billing(endpoint: string, units: number): Billing | undefined {
    this.refresh(endpoint);
    const price = this.told.get(endpoint) ?? this.tablePrice(endpoint);
    return price === undefined ? undefined : { units, ...price };
  }

  private async ask(endpoint: string): Promise<void> {
    const price = await this.platform.unitPrice(endpoint);
    if (price === undefined) return;
    this.told.set(endpoint, price);
    this.askAgainAtMs.set(endpoint, Date.now() + freshMs);
  }
}
