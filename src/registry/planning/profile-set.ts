import type { ProfilePicturesRequest } from '../../domain/requests';
import { nsfwPositions, profilePositions, type ProfilePosition } from './profile-positions';

/** One picture to make: a position, and whether it is one of the NSFW extras. */
export interface ProfilePicture {
  position: ProfilePosition;
  nsfw: boolean;
}

/** How a position is seen when a longer set comes round to it again. */
const secondFraming: Record<ProfilePosition['framing'], ProfilePosition['framing']> = {
  'full-body': 'medium',
  medium: 'close-up',
  'close-up': 'medium',
};

/** The pictures of a set: cut or continued to `count`, then the NSFW extras. */
export function profileSetPictures({ set, count, nsfw }: ProfilePicturesRequest): ProfilePicture[] {
  const positions = profilePositions[set];
  const regular = Array.from({ length: count ?? positions.length }, (_, index) =>
    positionAt(positions, index),
  );
  return [
    ...regular.map((position) => ({ position, nsfw: false })),
    ...(nsfw ? nsfwPositions.map((position) => ({ position, nsfw: true })) : []),
  ];
}

function positionAt(positions: readonly ProfilePosition[], index: number): ProfilePosition {
  const position = positions[index % positions.length];
  if (position === undefined) throw new Error('a profile set has no positions');
  if (index < positions.length) return position;
  const framing = secondFraming[position.framing];
  return { ...position, id: `${position.id}-2`, label: `${position.label}, ${framing}`, framing };
}
