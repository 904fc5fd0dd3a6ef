import type { Fault } from './faults';
import { sha256 } from '../pictures/fingerprint';
import type { Picture } from '../pictures/render';

/** What a fault makes of the picture that is about to be drawn. */
export function struckPicture(picture: Picture, fault: Fault | undefined): Picture {
  if (fault?.name === 'wrong_size')
    return { ...picture, width: half(picture.width), height: half(picture.height) };
  if (fault?.name !== 'same_picture') return picture;
  const { provider, width, height, format } = picture;
  return {
    ...{ provider, width, height, format },
    endpoint: 'any',
    prompt: 'the same picture for every request',
    seed: 42,
    fingerprint: sha256('same_picture'),
  };
}

function half(side: number): number {
  return Math.max(8, Math.round(side / 2));
}
