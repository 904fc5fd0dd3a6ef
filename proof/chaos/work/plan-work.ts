import type { Draw } from '../draw';
import { itemKinds, smallestSet, type ItemKind } from './item-kinds';
import type { WorkItem } from './work-item';

export interface WorkOrder {
  images: number;
  /** Goes into the words that tell requests apart, so that two runs on one server stay apart. */
  label: string;
  unknownOutcome: 'resubmit' | 'hold';
  draw: Draw;
  characterId: string;
  /** Asset URL of the face that references keep. */
  face: string;
}

/**
 * Requests for exactly so many pictures: the smallest of each kind first, as far as they fit, then a seeded mixture.
 * The same order always gives the same requests.
 */
export function planWork(order: WorkOrder): WorkItem[] {
  const items: WorkItem[] = [];
  let left = order.images;
  while (left > 0) {
    const index = items.length;
    const kind = itemKinds[index] ?? order.draw.pick(weighted(left), 'kind', index);
    const item = makeItem(left < kind.fewest ? singlePicture : kind, { order, index, left });
    items.push(item);
    left -= item.images;
  }
  return items;
}

const singlePicture = itemKinds.find(({ fewest, most }) => fewest === 1 && most > 1) ?? smallestSet;

function weighted(left: number): (readonly [ItemKind, number])[] {
  return itemKinds.filter(({ fewest }) => fewest <= left).map((kind) => [kind, kind.weight] as const);
}

interface Place {
  order: WorkOrder;
  index: number;
  left: number;
}

function makeItem(kind: ItemKind, { order, index, left }: Place): WorkItem {
  const { draw, label, characterId, face, unknownOutcome } = order;
  const most = index < itemKinds.length ? kind.fewest : Math.min(kind.most, left);
  const images = draw.between(kind.fewest, most, 'images', index);
  const word = `${label}${inConsonants(index)}`;
  // Far enough apart that no slot or refill of one request has the seed of another's.
  const seed = 1_000_000 + index * 1_000;
  const { flow, body } = kind.request({ word, images, face });
  return {
    workId: word,
    flow,
    name: kind.name,
    body: { characterId, seed, unknownOutcome, ...body, ...moneyRules(kind, order, index) },
    ...(draw.fraction('caller', index) < limitedShare && { caller: limitedCaller.name }),
    needsSource: kind.needsSource === true,
    images,
    seed,
    providers: kind.providers,
  };
}

/** A caller with a daily limit: it is watched all the time and never reached. */
export const limitedCaller = { name: 'chaos-limited', dailyLimitUsd: 500 };
const limitedShare = 0.25;
const hedgedShare = 0.2;
const cappedShare = 0.2;
/** USD for one request: it is watched before every submit, and enough for all of them. */
const generousCapUsd = 20;

function moneyRules({ providers }: ItemKind, { draw }: WorkOrder, index: number): Record<string, unknown> {
  return {
    ...(providers.length > 1 && draw.fraction('hedged', index) < hedgedShare && { hedge: true }),
    ...(draw.fraction('capped', index) < cappedShare && { maxCostUsd: generousCapUsd }),
  };
}

const letters = 'bcdfghjklmnpqrstvwxz';

/** A word of five letters without a meaning: digits could be read as an age, and are refused then. */
function inConsonants(index: number): string {
  const places = [0, 1, 2, 3, 4].map((place) => Math.floor(index / letters.length ** place) % letters.length);
  return places.map((place) => letters.charAt(place)).join('');
}
