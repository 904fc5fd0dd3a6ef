import type { NewFault } from '../../../emulator/faults/faults';
import type { Draw } from '../draw';
import type { WorkItem } from './work-item';

/** A fault that strikes one request of one work item. */
export interface AimedFault {
  workId: string;
  /** The connection is cut after the submit was accepted: the one fault that leaves nobody the wiser. */
  isCut: boolean;
  fault: NewFault;
}

type Provider = NewFault['provider'];
type Recipe = Pick<NewFault, 'fault' | 'params'>;

const cut: Recipe = { fault: 'submit_lost' };
/** The same by a gateway that gives up: an answer, but no word on the job. */
const cutByGateway: Recipe = { fault: 'accepted_504' };
const cutByBadGateway: Recipe = { fault: 'accepted_502' };
const lostAfterClaim: Recipe = { fault: 'put_lost_after_claim' };
const cuts: readonly Recipe[] = [cut, cutByGateway, cutByBadGateway, lostAfterClaim];

/** Odd answers to the poll of an accepted job. */
const oddStatuses = [302, 307, 204, 400, 422] as const;
const oddPolls: readonly (readonly [Recipe, number])[] = oddStatuses.map(
  (status) => [{ fault: 'poll_status', params: { status } }, 0.6] as const,
);

/** What may strike a request, with how often each does against the others. */
const recipes: Record<Provider, readonly (readonly [Recipe, number])[]> = {
  modal: [
    [cut, 4],
    [cutByGateway, 2],
    [cutByBadGateway, 2],
    [{ fault: 'wrong_size' }, 1],
    [{ fault: 'truncated' }, 1],
    [{ fault: 'truncated', params: { on: 'run' } }, 1],
    [{ fault: 'black_image' }, 2],
    [{ fault: 'reset_mid_body' }, 1],
    [{ fault: 'empty_200' }, 1],
    [{ fault: 'html_200' }, 1],
    [{ fault: 'rate_limited', params: { retryAfter: 1 } }, 2],
    [{ fault: 'http_503' }, 2],
    [{ fault: 'reset_before_headers' }, 1],
    [{ fault: 'plain_500' }, 1],
    [{ fault: 'cold_start', params: { seconds: 150 } }, 2],
    [{ fault: 'redirect_lost_poll', params: { resets: 1 } }, 2],
    [{ fault: 'redirect_chain', params: { hops: 3 } }, 1],
    // Of named jobs only; at plain apps these never strike.
    [lostAfterClaim, 2],
    [{ fault: 'gateway_dies_before_spawn' }, 2],
    [{ fault: 'late_put', params: { seconds: 20 } }, 2],
    [{ fault: 'runner_killed' }, 2],
    [{ fault: 'state_stuck', params: { seconds: 60 } }, 1],
    ...oddPolls,
  ],
  fal: [
    [cut, 4],
    [cutByGateway, 2],
    [cutByBadGateway, 2],
    [{ fault: 'wrong_size' }, 1],
    [{ fault: 'nsfw_black_unflagged' }, 2],
    [{ fault: 'rate_limited', params: { retryAfter: 1 } }, 2],
    [{ fault: 'http_503' }, 2],
    [{ fault: 'reset_before_headers' }, 1],
    [{ fault: 'completed_then_error' }, 2],
    [{ fault: 'status_flaky' }, 2],
    ...oddPolls,
  ],
  comfyui: [
    [cut, 4],
    [cutByGateway, 2],
    [cutByBadGateway, 2],
    [{ fault: 'wrong_size' }, 1],
    [{ fault: 'black_image' }, 2],
    [{ fault: 'http_503' }, 2],
    [{ fault: 'reset_before_headers' }, 1],
    [{ fault: 'pod_error_incomplete' }, 1],
    [{ fault: 'pod_restart' }, 1],
    [{ fault: 'websocket_dropped' }, 2],
    ...oddPolls,
  ],
};

/** Share of the requests that are struck. */
const share = 0.3;

/** Seeded faults, each aimed at one request by the word in its prompt and striking once. */
export function planFaults(items: readonly WorkItem[], draw: Draw): AimedFault[] {
  const named = items.filter(({ body }) => 'prompt' in body);
  // The first one is always a cut: no run is without a true unknown.
  return named.flatMap((item, index) => {
    if (index > 0 && draw.fraction('struck', index) >= share) return [];
    const provider = draw.pick<Provider>(
      item.providers.map((name) => [name, 1] as const),
      'where',
      index,
    );
    const recipe = index === 0 ? cut : draw.pick(recipes[provider], 'what', index);
    const match = { promptIncludes: item.workId };
    return [
      {
        workId: item.workId,
        isCut: cuts.includes(recipe),
        fault: { provider, ...recipe, match, times: 1 },
      },
    ];
  });
}
