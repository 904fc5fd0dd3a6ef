import type { ProfileSet } from '../../domain/requests';

/** One picture of a profile set. */
export interface ProfilePosition {
  id: string;
  label: string;
  framing: 'close-up' | 'medium' | 'full-body';
  aspectRatio: '9:16' | '4:5' | '1:1';
  /** Pose, expression, place, clothes and light, in the words of a prompt. */
  scene: string;
}

type Shape = Pick<ProfilePosition, 'framing' | 'aspectRatio'>;

const tall: Shape = { framing: 'full-body', aspectRatio: '9:16' };
const tallMedium: Shape = { framing: 'medium', aspectRatio: '9:16' };
const portrait: Shape = { framing: 'medium', aspectRatio: '4:5' };
const square: Shape = { framing: 'close-up', aspectRatio: '1:1' };

/** Positions of the three sets, in the order they are delivered. */
export const profilePositions: Readonly<Record<ProfileSet, readonly ProfilePosition[]>> = {
  'classic-influencer': [
    {
      id: 'beach-walk',
      label: 'beach walk',
      ...tall,
      scene:
        'walking along the waterline of a wide beach, glancing back with an open laugh, linen shirt and shorts, warm low sun',
    },
    {
      id: 'cafe',
      label: 'café table',
      ...portrait,
      scene:
        'sitting at a small café table with both hands around a cup, soft smile, knitted sweater, daylight from the window',
    },
    {
      id: 'gym-stretch',
      label: 'gym stretch',
      ...tall,
      scene:
        'stretching beside the mirrors of a gym, focused look, sports leggings and training top, even overhead light',
    },
    {
      id: 'rooftop-back',
      label: 'rooftop, seen from behind',
      ...tall,
      scene:
        'standing at a rooftop railing seen from behind with the face turned in profile, light jacket, city lights at dusk',
    },
    {
      id: 'park-dance',
      label: 'park dance',
      ...tall,
      scene:
        'turning in mid-step on a park path, arms out, joyful, flowing midi dress, green bokeh in the afternoon',
    },
    {
      id: 'street-lean',
      label: 'street lean',
      ...tall,
      scene:
        'leaning on a brick wall in a side street, one knee bent, calm gaze at the camera, denim jacket, overcast light',
    },
    {
      id: 'home-lounge',
      label: 'home lounge',
      ...tallMedium,
      scene:
        'curled up in the corner of a sofa with a book, dreamy half smile, oversized cardigan, lamp light',
    },
    {
      id: 'pool-edge',
      label: 'pool edge',
      ...tall,
      scene:
        'sitting on the edge of a hotel pool with the feet in the water, cheerful, summer dress and sun hat, bright noon light',
    },
  ],
  'professional-model': [
    {
      id: 'runway',
      label: 'runway',
      ...tall,
      scene:
        'walking a runway straight towards the camera, composed expression, tailored evening coat, hard show light',
    },
    {
      id: 'studio-pose',
      label: 'studio pose',
      ...tall,
      scene:
        'standing at an angle in front of a grey studio backdrop, hand on the hip, confident look, plain fitted suit, soft box light',
    },
    {
      id: 'gallery-profile',
      label: 'gallery profile',
      ...tallMedium,
      scene:
        'in profile before a large painting in a white gallery, thoughtful, turtleneck, cool museum light',
    },
    {
      id: 'rooftop-evening',
      label: 'rooftop evening',
      ...tall,
      scene: 'on a rooftop terrace with the wind in the hair, chin up, long trench coat, orange evening sky',
    },
    {
      id: 'seated-cover',
      label: 'seated cover',
      ...portrait,
      scene:
        'sitting on a stool as for a magazine cover, leaning forward with the elbows on the knees, direct gaze, white shirt, clean studio light',
    },
    {
      id: 'street-strut',
      label: 'street strut',
      ...tall,
      scene:
        'striding over a zebra crossing, bag over the shoulder, sharp look past the camera, wide trousers and blazer, morning sun',
    },
    {
      id: 'boutique-lean',
      label: 'boutique lean',
      ...tall,
      scene:
        'leaning on the counter of a boutique, slight smirk, silk blouse and pencil skirt, warm shop light',
    },
    {
      id: 'dynamic-jump',
      label: 'dynamic movement',
      ...tall,
      scene:
        'caught in a turn with the fabric flying, intense expression, pleated dress, dark backdrop and a single strobe',
    },
    {
      id: 'beauty-close-up',
      label: 'beauty close-up',
      ...square,
      scene:
        'face and bare neckline filling the frame, relaxed lips, eyes on the camera, natural make-up, even beauty light',
    },
  ],
  'natural-beauty': [
    {
      id: 'yoga',
      label: 'yoga',
      ...tall,
      scene: 'in tree pose on a wooden deck, eyes half closed, loose yoga clothes, mist and early light',
    },
    {
      id: 'forest-stretch',
      label: 'forest stretch',
      ...tall,
      scene:
        'reaching both arms up between tall trees, peaceful, earth-coloured top and trousers, sun through the leaves',
    },
    {
      id: 'lakeside-lying',
      label: 'lying at the lake',
      ...tall,
      scene: 'lying on a jetty propped up on one elbow, quiet smile, light cotton dress, still lake behind',
    },
    {
      id: 'mountain-arms-up',
      label: 'mountain top',
      ...tall,
      scene: 'on a mountain top with both arms in the air, exhilarated, hiking jacket, clear wide view',
    },
    {
      id: 'beach-in-water',
      label: 'in the shallow water',
      ...tall,
      scene:
        'standing knee-deep in calm sea water holding up the hem of a long skirt, laughing, soft evening light',
    },
    {
      id: 'garden-seated',
      label: 'garden seat',
      ...portrait,
      scene:
        'sitting in the grass of a flower garden, head tilted, gentle look, straw hat and blouse, dappled shade',
    },
    {
      id: 'reading-lying',
      label: 'reading on a blanket',
      ...tallMedium,
      scene: 'lying on the stomach on a blanket with an open book, absorbed, striped shirt, afternoon sun',
    },
    {
      id: 'sunrise-stretch',
      label: 'sunrise stretch',
      ...tall,
      scene: 'stretching sideways on an empty hill, fresh and awake, light sportswear, first sun behind',
    },
  ],
};

/** The three extra pictures of an NSFW set. */
export const nsfwPositions: readonly ProfilePosition[] = [
  {
    id: 'nsfw-1',
    label: 'NSFW front',
    ...tall,
    scene:
      'standing, seen from the front, confident look at the camera, artistic nude, soft indoor window light',
  },
  {
    id: 'nsfw-2',
    label: 'NSFW side',
    ...tall,
    scene:
      'standing, seen from the side, looking over the shoulder, artistic nude, low warm light along the body',
  },
  {
    id: 'nsfw-3',
    label: 'NSFW three-quarter',
    ...portrait,
    scene: 'sitting in three-quarter view on the edge of a bed, relaxed, artistic nude, dim evening light',
  },
];
