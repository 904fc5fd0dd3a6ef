import { MediaError, mediaProblems, type MediaProblem } from '../../../src/domain/media';
import { mediaFailure } from '../../../src/providers/media-errors';

describe('mediaFailure', () => {
  it.each<MediaProblem>(['empty', 'not_media', 'truncated', 'too_large', 'wrong_kind', 'wrong_size'])(
    'calls %s bytes corrupt and the job paid',
    (problem) => {
      const error = mediaFailure(new MediaError(problem, 'bytes'), { provider: 'fal', blankIs: 'policy' });
      expect(error).toMatchObject({
        failureClass: 'corrupt',
        code: `media_${problem}`,
        certainty: 'accepted',
      });
    },
  );

  it('calls a blank picture what the provider means by it', () => {
    const blank = new MediaError('blank', 'black');
    expect(mediaFailure(blank, { provider: 'fal', blankIs: 'policy' })).toMatchObject({
      failureClass: 'policy',
      message: expect.stringContaining('censors') as string,
    });
    expect(mediaFailure(blank, { provider: 'modal', blankIs: 'corrupt' }).failureClass).toBe('corrupt');
  });

  const endings: [when: string, isAnswerToSubmit: boolean, stayOpen: MediaProblem[]][] = [
    ['a result that can be read again', false, ['truncated', 'empty', 'not_media', 'unavailable']],
    ['the answer to a submit', true, ['empty', 'not_media']],
  ];

  it.each(endings)(
    'leaves the job open where %s may only have broken on its way',
    (_when, ...[is, stayOpen]) => {
      const options = { provider: 'modal', blankIs: 'corrupt', isAnswerToSubmit: is } as const;
      const isOpen = (problem: MediaProblem) => !mediaFailure(new MediaError(problem, ''), options).endsJob;
      expect(mediaProblems.filter(isOpen).sort()).toEqual([...stayOpen].sort());
    },
  );

  it.each<[MediaProblem, string, string | undefined]>([
    ['empty', 'unknown', undefined],
    ['not_media', 'unknown', undefined],
    ['truncated', 'accepted', 'price'],
    ['blank', 'accepted', 'price'],
  ])('leaves open who answered a submit with %s bytes: %s', (problem, certainty, charge) => {
    const options = { provider: 'modal', blankIs: 'corrupt', isAnswerToSubmit: true } as const;
    const error = mediaFailure(new MediaError(problem, ''), options);
    expect(error).toMatchObject({ certainty, charge, status: 200 });
  });

  it('calls a picture that is not where the provider said a passing failure, and the job paid', () => {
    const error = mediaFailure(new MediaError('unavailable', '404'), { provider: 'fal', blankIs: 'policy' });
    expect(error).toMatchObject({ failureClass: 'transient', certainty: 'accepted', charge: 'price' });
  });
});
