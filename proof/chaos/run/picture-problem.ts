import sharp from 'sharp';
import { errorMessage } from '../../../local/stack/error-message';

/** Standard deviation below which a picture shows nothing. */
const blankBelow = 2;

/** What is wrong with the bytes of a picture; `undefined` when they can be decoded and show something. */
export async function pictureProblem(bytes: Buffer): Promise<string | undefined> {
  try {
    const { channels } = await sharp(bytes, { failOn: 'warning' }).stats();
    const isBlank = channels.slice(0, 3).every(({ stdev }) => stdev < blankBelow);
    return isBlank ? 'the picture shows nothing' : undefined;
  } catch (error) {
    return `cannot be decoded: ${errorMessage(error)}`;
  }
}
