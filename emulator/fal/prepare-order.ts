import { jsonAnswer, type Answer } from '../http/answer';
import { describeBody } from '../http/describe-body';
import type { Fault } from '../faults/faults';
import { derivedSeed } from '../pictures/fingerprint';
import { maximumPixels } from '../pictures/render';
import type { FalEndpoint } from './endpoints';
import { fieldError } from './errors';
import type { FalFiles } from './files';
import { fetchPictures, type InputPictures } from './input-pictures';
import { outputSize, type Size } from './output-size';
import type { SubmitOptions } from './submit-options';
import { validateInput } from './validate';

/** A submit that reached its application. */
export interface Submission {
  endpoint: FalEndpoint;
  body: unknown;
  prompt: string;
  fault: Fault | undefined;
  options: SubmitOptions;
}

/** A valid request, ready to be worked on. */
export interface FalOrder {
  endpoint: FalEndpoint;
  /** Completed by the endpoint's defaults. */
  input: Record<string, unknown>;
  pictures: InputPictures;
  size: Size;
  count: number;
  seed: number;
  prompt: string;
  /** The body as the journal shows it. */
  body: unknown;
  bodyHash: string;
  /** Where the caller reaches us; returned URLs start with it. */
  origin: string;
}

/** Checks a submit the way its application does. Returns the 422 of the first problem. */
export async function prepareOrder(
  submission: Submission,
  files: FalFiles,
  origin: string,
): Promise<FalOrder | Answer> {
  const { endpoint, prompt, fault } = submission;
  const faulty = faultyInput(fault);
  if (faulty !== undefined) return faulty;
  const validated = validateInput(endpoint, submission.body);
  if ('refusal' in validated) return validated.refusal;
  const { input } = validated;
  const pictures = await fetchPictures(endpoint, input, files, origin);
  if ('status' in pictures) return pictures;
  const size = outputSize(endpoint, input, pictures.size);
  if (size.width * size.height > maximumPixels) {
    return fieldError('image_size', 'image_too_large', 'The image is too large.');
  }
  const { body, bodyHash } = describeBody(submission.body, (url) => files.fetch(url, origin));
  const count = typeof input['num_images'] === 'number' ? input['num_images'] : 1;
  const seed = typeof input['seed'] === 'number' ? input['seed'] : derivedSeed(endpoint.id, bodyHash);
  return { endpoint, input, pictures, size, count, seed, prompt, body, bodyHash, origin };
}

function faultyInput(fault: Fault | undefined): Answer | undefined {
  if (fault?.name === 'string_422') return jsonAnswer(422, { detail: 'The input could not be processed' });
  if (fault?.name !== 'validation_422') return undefined;
  const { field = 'image_size', type = 'value_error' } = fault.params;
  return fieldError(field, type, 'Value error, the value is not supported');
}
