import { HttpProblem } from './http-problem';

/** For a character named in the path. */
export function characterNotFound(id: string): HttpProblem {
  return new HttpProblem(
    404,
    'character_not_found',
    `There is no character ${id}. Create it with PUT /v1/characters/${id}.`,
  );
}

export function loraNotFound(characterId: string, loraId: string): HttpProblem {
  return new HttpProblem(404, 'lora_not_found', `The character ${characterId} has no LoRA ${loraId}.`);
}

/** For a slot named in the path. */
export function slotNotFound(slot: number): HttpProblem {
  return new HttpProblem(404, 'slot_not_found', `The job has no slot ${String(slot)}.`);
}

export function generationNotFound(): HttpProblem {
  return new HttpProblem(404, 'generation_not_found', 'There is no such generation.');
}
