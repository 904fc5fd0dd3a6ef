import { z } from 'zod';
import { generationNotFound } from '../http/not-found';

export const generationIdSchema = z.uuid();

/** What was never an id of ours is answered as an unknown one. @throws HttpProblem 404 */
export function knownForm(id: string): string {
  const parsed = generationIdSchema.safeParse(id);
  if (!parsed.success) throw generationNotFound();
  return parsed.data;
}
