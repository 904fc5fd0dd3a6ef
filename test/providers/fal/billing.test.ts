import type { FalClientSettings, UnitPrice } from '../../../src/providers/fal/client';
import { runJob } from '../../../src/providers/run-job';
import { providerErrorOf, testCall } from '../support/call';
import { sendJson } from '../support/local-server';
import { falJob, inTurn, LocalFal, pricesPath, requestPath, type Answers } from './local-fal';

const fal = new LocalFal();

afterEach(async () => {
  await fal.close();
});

const pricesLine = `GET ${pricesPath}`;
const table: UnitPrice = { unitPriceUsd: 0.03, source: 'price table: test', asOf: '2025-01-01' };
const price = (usd: number, currency = 'USD') => ({
  prices: [{ endpoint_id: 'fal-ai/flux/dev', unit_price: usd, unit: 'megapixels', currency }],
  next_cursor: null,
  has_more: false,
});

/** A result that says how many units it is charged. */
function billed(units: string, status = 200, body?: unknown): Answers {
  return {
    [`GET ${requestPath}`]: (response) => {
      const output = body ?? { images: [{ url: `${fal.url}/files/1.png` }] };
      sendJson(response, status, output, { 'x-fal-billable-units': units });
    },
  };
}

/** A job that ends only after the prices were answered. */
async function afterPrices(answers: Answers, settings: Partial<FalClientSettings> = {}) {
  let isTold = false;
  const client = await fal.start(
    {
      ...answers,
      [pricesLine]: (response, request) => {
        response.once('close', () => {
          isTold = true;
        });
        answers[pricesLine]?.(response, request);
      },
      [`GET ${requestPath}/status`]: (response) => {
        sendJson(response, 200, { status: isTold ? 'COMPLETED' : 'IN_PROGRESS' });
      },
    },
    settings,
  );
  return () => runJob(client, falJob, testCall().context);
}

describe('what a picture of Fal costs', () => {
  it('is its units at the price Fal tells, with where and when the price stood', async () => {
    const run = await afterPrices({
      ...billed('1.048576'),
      [pricesLine]: inTurn([200, price(0.025)]),
    });
    const result = await run();
    expect(result.costUsd).toBe(0.026214);
    expect(result.billing).toEqual({
      ...{ units: 1.048576, unitPriceUsd: 0.025, source: 'Fal pricing API' },
      asOf: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as unknown,
    });
    await run();
    expect(fal.asked(pricesPath).map((query) => query.get('endpoint_id'))).toEqual(['fal-ai/flux/dev']);
  });

  it.each<[string, Answers]>([
    ['may not be read', { [pricesLine]: inTurn([403, {}]) }],
    ['are in another currency', { [pricesLine]: inTurn([200, price(0.025, 'EUR')]) }],
    ['are no prices', { [pricesLine]: inTurn([200, '<html>']) }],
  ])("is counted by our own table where Fal's prices %s", async (_name, answers) => {
    const run = await afterPrices({ ...billed('2'), ...answers }, { tablePrice: () => table });
    expect(await run()).toMatchObject({ costUsd: 0.06, billing: { units: 2, ...table } });
  });

  it('is not waited for: a result comes while the prices are silent', async () => {
    const client = await fal.start(
      { ...billed('2'), [pricesLine]: () => undefined },
      { tablePrice: () => table },
    );
    const result = await runJob(client, falJob, testCall().context);
    expect(result).toMatchObject({ costUsd: 0.06, billing: { source: 'price table: test' } });
    expect(fal.asked(pricesPath)).toHaveLength(1);
  });

  it.each(['-1', 'many', 'NaN', 'Infinity'])('is not said by a header of %p', async (units) => {
    const client = await fal.start(billed(units), { tablePrice: () => table });
    const result = await runJob(client, falJob, testCall().context);
    expect(result.costUsd).toBeUndefined();
    expect(result.billing).toBeUndefined();
  });

  it('is not guessed where nobody knows the price of a unit', async () => {
    const client = await fal.start(billed('2'));
    const result = await runJob(client, falJob, testCall().context);
    expect(result.costUsd).toBeUndefined();
  });

  it('is told of a picture that is of no use, too', async () => {
    const output = { images: [{ url: 'http://127.0.0.1/files/1.png' }], has_nsfw_concepts: [true] };
    const client = await fal.start(billed('2', 200, output), { tablePrice: () => table });
    const error = await providerErrorOf(runJob(client, falJob, testCall().context));
    expect(error).toMatchObject({ code: 'nsfw_flagged', endsJob: true, charge: { usd: 0.06 } });
  });

  it.each([
    ['2', { usd: 0.06 }],
    ['0', 'none'],
  ])('of a job that failed is what its %s units cost', async (units, charge) => {
    const body = { detail: [{ loc: ['body'], msg: 'm', type: 'value_error' }] };
    const client = await fal.start(billed(units, 422, body), { tablePrice: () => table });
    const error = await providerErrorOf(runJob(client, falJob, testCall().context));
    expect(error).toMatchObject({ failureClass: 'input', endsJob: true, charge });
  });
});
