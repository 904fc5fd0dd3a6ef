import { z } from 'zod';
import type { WorkItem } from '../work/work-item';
import { drawPicture } from './draw-picture';
import type { PatientClient } from './http-client';

/** The character of all requests; the emulator has a LoRA file of this name. */
export const chaosCharacter = 'demo';

const uploadedSchema = z.object({ id: z.string(), url: z.string() });
type Uploaded = z.infer<typeof uploadedSchema>;

/** Registers the character and its LoRA, and uploads the face that references keep. */
export async function prepareCharacter(client: PatientClient): Promise<{ face: string }> {
  const character = `/v1/characters/${chaosCharacter}`;
  await expectOk(client.send({ method: 'PUT', path: character, json: { name: 'Chaos' } }));
  const lora = { baseModel: 'flux', triggerWord: 'd3mo woman' };
  await expectOk(client.send({ method: 'PUT', path: `${character}/loras/${chaosCharacter}`, json: lora }));
  return { face: (await uploadPicture(client, 'face')).url };
}

/** The same requests, each with the picture it works on. */
export async function uploadSources(client: PatientClient, items: readonly WorkItem[]): Promise<WorkItem[]> {
  const complete: WorkItem[] = [];
  for (const item of items) {
    if (!item.needsSource) {
      complete.push(item);
      continue;
    }
    const { id, url } = await uploadPicture(client, item.workId);
    const workId = 'prompt' in item.body ? item.workId : id;
    complete.push({ ...item, workId, needsSource: false, body: { ...item.body, sourceImageUrl: url } });
  }
  return complete;
}

async function uploadPicture(client: PatientClient, word: string): Promise<Uploaded> {
  const data = await drawPicture(word);
  const answer = await expectOk(
    client.send({ method: 'POST', path: '/v1/assets', bytes: { data, mediaType: 'image/png' } }),
  );
  return uploadedSchema.parse(answer.body);
}

async function expectOk(answer: ReturnType<PatientClient['send']>): ReturnType<PatientClient['send']> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`the set-up was refused with ${status}: ${JSON.stringify(body)}`);
  return { status, body };
}
