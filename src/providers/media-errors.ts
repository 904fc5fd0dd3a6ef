import type { FailureCode, JobOutcome } from '../domain/failures';
import type { ProviderName } from '../domain/taxonomy';
import { type MediaError, type MediaProblem } from '../domain/media';
import { ProviderError } from './errors';

/** A picture of one colour is how a provider censors (`policy`, Fal), or what a broken model makes (`corrupt`). */
export type BlankMeaning = 'policy' | 'corrupt';

export interface MediaFailureOptions {
  provider: ProviderName;
  blankIs: BlankMeaning;
  providerRequestId?: string | undefined;
  /** They came at once, before the provider named a way back to the job. */
  isAnswerToSubmit?: boolean | undefined;
}

const messages: Readonly<Record<MediaProblem, string>> = {
  empty: 'the answer held no bytes',
  not_media: 'the answer was no picture or clip',
  truncated: 'the answer was cut short',
  blank: 'the picture is of one single colour',
  too_large: 'the answer was larger than any picture or clip may be',
  wrong_kind: 'the answer was a clip where a picture was asked for, or the other way round',
  wrong_size: 'the picture has another size than the one asked for',
  unavailable: 'the finished job names a picture that is not there',
};
const censored = 'the picture is of one single colour, which is how this provider censors';
/** Reading the same result again may mend these, or somebody else than the provider said them. */
const mayBeMended: readonly MediaProblem[] = ['empty', 'truncated', 'not_media', 'unavailable'];

/** A page, JSON or nothing at all: a proxy answers so, whether or not the provider ever saw the request. */
const saidBySomebodyElse: readonly MediaProblem[] = ['empty', 'not_media'];

/**
 * What bytes that are no usable picture mean: the job was done and paid, its result is of no use. Where they are no
 * picture at all and nothing else speaks of a job, nobody knows whether there is one.
 */
export function mediaFailure({ problem, cause }: MediaError, options: MediaFailureOptions): ProviderError {
  const isCensored = problem === 'blank' && options.blankIs === 'policy';
  const outcome = outcomeOf(problem, options.isAnswerToSubmit === true);
  return new ProviderError(isCensored ? censored : messages[problem], {
    provider: options.provider,
    code: isCensored ? 'media_censored' : codes[problem],
    outcome,
    charge: outcome === 'nobody_knows' ? undefined : 'price',
    // An answer came, so the request is not just lost.
    status: 200,
    providerRequestId: options.providerRequestId,
    cause,
  });
}

const codes: Readonly<Record<MediaProblem, FailureCode>> = {
  empty: 'media_empty',
  not_media: 'media_not_media',
  truncated: 'media_truncated',
  blank: 'media_blank',
  too_large: 'media_too_large',
  wrong_kind: 'media_wrong_kind',
  wrong_size: 'media_wrong_size',
  unavailable: 'media_unavailable',
};

/** The answer to a submit cannot be read again. */
function outcomeOf(problem: MediaProblem, isAnswerToSubmit: boolean): JobOutcome {
  if (!mayBeMended.includes(problem)) return 'useless';
  if (!isAnswerToSubmit) return 'still_there';
  return saidBySomebodyElse.includes(problem) ? 'nobody_knows' : 'gone';
}
