import type { InputAssets, ProfilePicturesRequest } from '../../domain/requests';
import type { RefusalIssue } from '../refusal';
import type { RoutingContext } from '../types';
import { checkNsfw } from './check-nsfw';
import { checkMediaType } from './check-media-type';

/** Everything that stands against a set of profile pictures; empty when nothing does. */
export function checkProfilePictures(
  request: ProfilePicturesRequest,
  { reference }: InputAssets,
  context: RoutingContext,
): RefusalIssue[] {
  const issues = checkNsfw(request.nsfw, { prompt: request.prompt }, context);
  const given = request.referenceImageUrl !== undefined || reference !== undefined;
  if (request.mode === 'consistent' && reference === undefined) issues.push(missingReference);
  if (request.mode === 'fast' && given) issues.push(droppedReference);
  return [...issues, ...checkMediaType('referenceImageUrl', reference, ['image/'])];
}

const missingReference: RefusalIssue = {
  field: 'referenceImageUrl',
  code: 'reference_required',
  message:
    'consistent pictures need the chosen base image; give its asset URL, or choose mode "fast" without a face',
};

const droppedReference: RefusalIssue = {
  field: 'referenceImageUrl',
  code: 'reference_dropped',
  message: 'mode "fast" would drop the reference; leave it out, or choose mode "consistent" to keep the face',
};
