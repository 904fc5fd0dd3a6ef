import { z } from 'zod';
import type { AttemptRecord } from '../../../src/domain/attempt-record';
import type { PatientClient } from './http-client';

const reasonSchema = z.object({ code: z.string(), message: z.string() }).nullable();

const generationSchema = z.object({
  id: z.string(),
  status: z.string(),
  costUsd: z.number(),
  error: reasonSchema,
  unsettledJobs: z.number(),
  extras: z.array(
    z.object({ slot: z.number(), provider: z.string(), endpoint: z.string(), seed: z.number() }),
  ),
  slots: z.array(
    z.object({
      slot: z.number(),
      status: z.string(),
      seed: z.number(),
      costUsd: z.number(),
      atRiskUsd: z.number().default(0),
      attempts: z.array(z.custom<AttemptRecord>((value) => typeof value === 'object' && value !== null)),
      assetId: z.string().nullable(),
      assetUrl: z.string().nullable(),
      error: reasonSchema,
    }),
  ),
});

/** `GET /v1/generations/{id}`, as far as the proof needs it. */
export type GenerationAnswer = z.infer<typeof generationSchema>;

/** `undefined`: the API does not know it. @throws NoAnswer */
export async function readGeneration(
  client: PatientClient,
  { id, caller }: { id: string; caller?: string | undefined },
): Promise<GenerationAnswer | undefined> {
  const { status, body } = await client.send({ method: 'GET', path: `/v1/generations/${id}`, caller });
  return status === 404 ? undefined : generationSchema.parse(body);
}
