import { dailyLimitOf } from '../../domain/daily-limits';
import { roundUsd } from '../../domain/round-usd';
import { callerOf } from '../access/principal';
import { spendAnswer } from '../answers/things';
import type { ApiContext, ApiServer } from '../context';
import { noQuery } from '../http/cursor';

/** `GET /v1/spend`: what the caller has used of today's limit. */
export function addSpendRoute(app: ApiServer, { spend, dailyLimits }: ApiContext): void {
  const schema = { querystring: noQuery, response: { 200: spendAnswer } };
  app.get('/v1/spend', { config: { access: 'read' }, schema }, async (request) => {
    const caller = callerOf(request);
    const limitUsd = dailyLimitOf(dailyLimits, caller);
    const { costUsd, atRiskUsd, reservedUsd, usedUsd, resetsAt } = await spend.today(caller);
    return {
      caller,
      /** `null`: no limit. */
      limitUsd: limitUsd ?? null,
      /** What counts against it: cost, risk and what is set aside for running jobs. */
      usedUsd: roundUsd(usedUsd),
      remainingUsd: limitUsd === undefined ? null : roundUsd(Math.max(0, limitUsd - usedUsd)),
      costUsd: roundUsd(costUsd),
      atRiskUsd: roundUsd(atRiskUsd),
      reservedUsd: roundUsd(reservedUsd),
      resetsAt,
    };
  });
}
