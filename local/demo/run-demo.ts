import { setTimeout as delay } from 'node:timers/promises';
import { requireCompleted, requireFailover, requireReference } from './demo-checks';
import type { DemoClient } from './demo-client';
import { DemoError } from './demo-error';
import { namedSlots, type DemoFlow, type DemoRun } from './demo-flow';
import type { ProgressView } from './progress-view';
import { studioRequests } from './studio-requests';
import { watchGenerations } from './watch-generations';

export interface DemoContext {
  client: DemoClient;
  view: ProgressView;
  signal: AbortSignal;
}

const characterId = 'demo';
const prompt = 'portrait of a woman with freckles and short copper hair, natural window light';
const pollMs = 100;
const modalStartTimeoutMs = 20_000;
const settleTimeoutMs = 30_000;

/** Runs the three flows over the HTTP API. @throws DemoError at the first thing that is not as promised. */
export async function runDemo(context: DemoContext): Promise<DemoFlow[]> {
  const { client } = context;
  await client.putCharacter(characterId, 'Demo');
  await client.putLora(characterId, characterId, { baseModel: 'flux', triggerWord: 'd3mo woman' });
  const base = await makeBaseImages(context);
  const face = firstAssetOf(base);
  const profile = await makeProfilePictures(context, face);
  const studio = await makeStudioPictures(context, face);
  return await Promise.all([base, profile, studio].map((flow) => settled(context, flow)));
}

/** What the jobs came to that Modal was left with: it is known soon after Modal is back. */
async function settled({ client, signal }: DemoContext, flow: DemoFlow): Promise<DemoFlow> {
  const deadline = Date.now() + settleTimeoutMs;
  const runs = flow.runs.map(async ({ name, generation: ended }): Promise<DemoRun> => {
    let generation = ended;
    while (generation.atRiskUsd > 0 && Date.now() < deadline) {
      await delay(pollMs, undefined, { signal });
      generation = await client.generation(generation.id);
    }
    return { name, generation };
  });
  return { ...flow, runs: await Promise.all(runs) };
}

async function makeBaseImages(context: DemoContext): Promise<DemoFlow> {
  const { client, view } = context;
  view.heading('1 and 2. Six base images; Modal is taken down while it works on them');
  const id = await client.start('base-images', { characterId, prompt, seed: 7 });
  const outage = takeModalDown(context);
  const runs = await follow(context, [{ name: 'base image', id }], outage);
  requireCompleted(runs);
  requireFailover(runs);
  return { name: 'base-images', runs };
}

/** Waits until Modal works on a picture, so that its end is seen from the middle of a paid call. */
async function takeModalDown({ client, signal }: DemoContext): Promise<void> {
  const deadline = Date.now() + modalStartTimeoutMs;
  while ((await client.runningJobs('modal')) === 0) {
    if (Date.now() > deadline) throw new DemoError('Modal was given no base image');
    await delay(pollMs, undefined, { signal });
  }
  await client.setProvider('modal', 'down');
}

async function makeProfilePictures(context: DemoContext, face: string): Promise<DemoFlow> {
  context.view.heading('3. Modal is back; profile pictures with the face of base image 1');
  await context.client.setProvider('modal', 'up');
  const id = await context.client.start('profile-pictures', {
    characterId,
    prompt,
    referenceImageUrl: face,
    seed: 7,
  });
  const runs = await follow(context, [{ name: 'profile picture', id }]);
  requireCompleted(runs);
  const flow: DemoFlow = { name: 'profile-pictures', runs };
  requireReference(flow);
  return flow;
}

async function makeStudioPictures(context: DemoContext, face: string): Promise<DemoFlow> {
  context.view.heading('4. Studio: one of each mode, all at once');
  const started = await Promise.all(
    studioRequests({ characterId, prompt, face }).map(async ({ name, body }) => {
      return { name, id: await context.client.start('studio', body) };
    }),
  );
  const runs = await follow(context, started);
  requireCompleted(runs);
  return { name: 'studio', runs };
}

/** Shows the generations until they end. A failure of `meanwhile` ends the demo at once. */
async function follow(
  { client, view, signal }: DemoContext,
  started: readonly { name: string; id: string }[],
  meanwhile: Promise<void> = Promise.resolve(),
): Promise<DemoRun[]> {
  const over = new AbortController();
  const stop = (): void => over.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const named = (generations: readonly DemoRun['generation'][]): DemoRun[] =>
    generations.map((generation, index) => ({ name: started[index]?.name ?? generation.flow, generation }));
  const watching = watchGenerations({
    client,
    ids: started.map(({ id }) => id),
    onUpdate: (generations) => view.update(namedSlots(named(generations))),
    signal: over.signal,
  });
  try {
    const [generations] = await Promise.all([watching, meanwhile]);
    return named(generations);
  } finally {
    over.abort();
    signal.removeEventListener('abort', stop);
    view.settle();
  }
}

function firstAssetOf({ runs }: DemoFlow): string {
  const url = runs[0]?.generation.slots[0]?.assetUrl;
  if (url === undefined || url === null) throw new DemoError('base image 1 has no picture');
  return url;
}
