import type { FailureClass, ProviderName } from '../domain/taxonomy';
import { ProviderError, type MediaError, type MediaProblem } from './errors';

export interface MediaFailureOptions {
  provider: ProviderName;
  /** `policy` where a blank picture is how the provider censors (Fal); `corrupt` where it is a broken model. */
  blankIs: FailureClass;
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
  const isInDoubt = options.isAnswerToSubmit === true && saidBySomebodyElse.includes(problem);
  const isCensored = problem === 'blank' && options.blankIs === 'policy';
  return new ProviderError(isCensored ? censored : messages[problem], {
    provider: options.provider,
    failureClass: classOf(problem, options.blankIs),
    code: `media_${problem}`,
    certainty: isInDoubt ? 'unknown' : 'accepted',
    charge: isInDoubt ? undefined : 'price',
    // An answer came, so the request is not just lost.
    status: 200,
    providerRequestId: options.providerRequestId,
    // The answer to a submit cannot be read again.
    endsJob: !isInDoubt && (options.isAnswerToSubmit === true || !mayBeMended.includes(problem)),
    cause,
  });
}

function classOf(problem: MediaProblem, blankIs: FailureClass): FailureClass {
  if (problem === 'blank') return blankIs;
  return problem === 'unavailable' ? 'transient' : 'corrupt';
}
