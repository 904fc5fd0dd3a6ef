import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pause } from '../http/deadlines';
import { MediaError } from '../../domain/media';
import { ProviderError } from '../errors';
import { mediaFailure } from '../media-errors';
import { saveMedia } from '../save-media';
import { TransportError } from '../http/transport-error';
import type { MediaStore, SaveOptions } from '../../domain/media';
import type { ProviderResult } from '../types';
import { isPassing, vainPauseMs } from './ask-again';
import { callIdOf, chargeOf } from './named-end';
import type { NamedJobRequests } from './named-job-requests';
import { readFigure } from './store-result';
import type { NamedJobState } from './wire';

/** Times a result that came wrong is read anew, from its first byte. */
const mostNewReads = 2;
/** Times in one read that a connection may break; it goes on where it stopped. */
const mostLostReads = 4;
const mismatchCode = 'result_mismatch';

/**
 * Stores the result of a job that succeeded. Only the bytes whose checksum is on the job's record are taken for it.
 *
 * @throws ProviderError that ends the job for whole bytes that are of no use; any other leaves it open.
 */
export async function storeNamedResult(
  requests: NamedJobRequests,
  job: NamedJobState,
  media: MediaStore,
  options: SaveOptions,
): Promise<ProviderResult> {
  const { signal } = options;
  for (let reads = 0; ; reads += 1) {
    try {
      const body = Readable.from(wholeBytes(requests, job, signal));
      const asset = await saveMedia({ body }, media, options).catch(async (error: unknown) => {
        signal.throwIfAborted();
        if (!(error instanceof MediaError)) throw error;
        // The store may have stopped at the first bytes, and only the last one shows whose they are.
        if (error.problem !== 'too_large') await readThrough(wholeBytes(requests, job, signal));
        throw uselessResult(error, job);
      });
      const { headers } = job;
      return {
        assets: [asset],
        costUsd: job.costUsd ?? readFigure(headers['x-cost-usd']),
        executionSeconds: job.seconds ?? readFigure(headers['x-execution-time-sec']),
      };
    } catch (error) {
      if (error instanceof ProviderError && error.endsJob) throw error.with({ charge: chargeOf(job) });
      const isMismatch = error instanceof ProviderError && error.code === mismatchCode;
      if (!isMismatch || reads >= mostNewReads) throw error;
    }
  }
}

/** The job did what it did, and reading it again gives the same bytes. */
function uselessResult(error: MediaError, job: NamedJobState): ProviderError {
  const known = { provider: 'modal', blankIs: 'corrupt', providerRequestId: callIdOf(job) } as const;
  return mediaFailure(error, known).with({ outcome: 'useless' });
}

/**
 * Every byte of a result, in order, over as many connections as it takes.
 *
 * @throws ProviderError `result_mismatch` at the end of bytes that are not those of the job's record.
 */
async function* wholeBytes(
  requests: NamedJobRequests,
  { bytes, sha256 }: NamedJobState,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const hash = createHash('sha256');
  let received = 0;
  for (let lost = 0; ; lost += 1) {
    try {
      const reply = await requests.result(received, sha256 ?? '');
      // The whole came where only the rest was asked for.
      let known = reply.status === 206 ? 0 : received;
      for await (const chunk of reply.body as AsyncIterable<Buffer>) {
        const fresh = chunk.subarray(Math.min(known, chunk.length));
        known -= chunk.length - fresh.length;
        received += fresh.length;
        if (bytes != null && received > bytes) throw mismatch();
        hash.update(fresh);
        if (fresh.length > 0) yield fresh;
      }
      if (bytes != null && received < bytes)
        throw new TransportError('body', new Error('the body ended early'));
      break;
    } catch (error) {
      if (signal.aborted || lost >= mostLostReads || !isPassing(error)) throw error;
      await pause(vainPauseMs(lost), signal);
    }
  }
  if (sha256 != null && hash.digest('hex') !== sha256) throw mismatch();
}

async function readThrough(bytes: AsyncIterable<Buffer>): Promise<void> {
  const rest = bytes[Symbol.asyncIterator]();
  while ((await rest.next()).done !== true);
}

function mismatch(): ProviderError {
  return new ProviderError('the result did not come as it was made', {
    ...{ provider: 'modal', code: mismatchCode, outcome: 'still_there' },
  });
}
