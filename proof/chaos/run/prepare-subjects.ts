import { z } from 'zod';
import { limitedCaller } from '../work/plan-work';
import type { WorkItem } from '../work/work-item';
import { drawPicture } from './draw-picture';
import type { PatientClient } from './http-client';

/** The character of all requests; the emulator has a LoRA file of this name. */
export const chaosCharacter = 'demo';

const uploadedSchema = z.object({ id: z.string(), url: z.string() });
type Uploaded = z.infer<typeof uploadedSchema>;

/** Everybody who asks; each sees only what is their own. */
export const chaosCallers = [undefined, limitedCaller.name] as const;

/** Gives every caller the character, its LoRA and the face that references keep. The face is the same asset for all. */
export async function prepareCharacter(client: PatientClient): Promise<{ face: string }> {
  for (const caller of chaosCallers.slice(1)) await prepareFor(client, caller);
  return await prepareFor(client, undefined);
}

async function prepareFor(client: PatientClient, caller: string | undefined): Promise<{ face: string }> {
  const character = `/v1/characters/${chaosCharacter}`;
  await expectOk(client.send({ method: 'PUT', path: character, caller, json: { name: 'Chaos' } }));
  const lora = { baseModel: 'flux', triggerWord: 'd3mo woman' };
  const path = `${character}/loras/${chaosCharacter}`;
  await expectOk(client.send({ method: 'PUT', path, caller, json: lora }));
  return { face: (await uploadPicture(client, 'face', caller)).url };
}

/** The same requests, each with the picture it works on. */
export async function uploadSources(client: PatientClient, items: readonly WorkItem[]): Promise<WorkItem[]> {
  const complete: WorkItem[] = [];
  for (const item of items) {
    if (!item.needsSource) {
      complete.push(item);
      continue;
    }
    const { id, url } = await uploadPicture(client, item.workId, item.caller);
    const workId = 'prompt' in item.body ? item.workId : id;
    complete.push({ ...item, workId, needsSource: false, body: { ...item.body, sourceImageUrl: url } });
  }
  return complete;
}

async function uploadPicture(
  client: PatientClient,
  word: string,
  caller: string | undefined,
): Promise<Uploaded> {
  const data = await drawPicture(word);
  const answer = await expectOk(
    client.send({ method: 'POST', path: '/v1/assets', caller, bytes: { data, mediaType: 'image/png' } }),
  );
  return uploadedSchema.parse(answer.body);
}

async function expectOk(answer: ReturnType<PatientClient['send']>): ReturnType<PatientClient['send']> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`the set-up was refused with ${status}: ${JSON.stringify(body)}`);
  return { status, body };
}
