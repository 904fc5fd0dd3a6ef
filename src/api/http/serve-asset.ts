import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { AssetNotFound, type ByteRange, type ThumbnailSize } from '../../assets';
import type { ApiContext } from '../context';
import { HttpProblem } from './http-problem';

export interface Serving {
  request: FastifyRequest;
  reply: FastifyReply;
  /** How long a browser may keep it: a signed address must not outlive its end. Default: a year. */
  freshSeconds?: number | undefined;
}

const maximumFreshSeconds = 31_536_000;

/**
 * Answers `GET` and `HEAD` of an asset: whole, as one range of bytes, or not at all to a caller that has it.
 *
 * @throws AssetNotFound, and HttpProblem 416 for a range beyond its end.
 */
export async function serveAsset(
  { assetStore }: ApiContext,
  id: string,
  { request, reply, freshSeconds = maximumFreshSeconds }: Serving,
): Promise<FastifyReply> {
  const found = await assetStore.find(id);
  if (found === undefined) throw new AssetNotFound(id);
  const { mediaType, bytes } = found;
  const etag = `"${id}"`;
  const isKnown = matches(request.headers['if-none-match'], etag);
  const range = isKnown ? undefined : wantedRange(request, etag, bytes);
  if (range === 'unsatisfiable') throw rangeNotSatisfiable(bytes);
  reply.type(mediaType).headers({ ...lastingHeaders(freshSeconds), 'accept-ranges': 'bytes', etag });
  if (isKnown) return reply.code(304).send();
  if (range !== undefined) {
    const part = await assetStore.open(id, range);
    return sendPart(reply, part.stream, { range, bytes });
  }
  reply.header('content-length', bytes);
  if (request.method === 'HEAD') return reply.send();
  return reply.send((await assetStore.open(id)).stream);
}

/** Of a thumbnail, which is read as a whole. */
export async function serveThumbnail(
  { thumbnails }: ApiContext,
  asset: { id: string; size: ThumbnailSize },
  { request, reply, freshSeconds = maximumFreshSeconds }: Serving,
): Promise<FastifyReply> {
  const etag = `"${asset.id}-${asset.size}"`;
  const { stream, mediaType, bytes } = await thumbnails.open(asset.id, asset.size);
  const isKnown = matches(request.headers['if-none-match'], etag);
  reply.type(mediaType).headers({ ...lastingHeaders(freshSeconds), etag });
  if (!isKnown && request.method === 'GET') return reply.header('content-length', bytes).send(stream);
  stream.destroy();
  return isKnown ? reply.code(304).send() : reply.header('content-length', bytes).send();
}

function lastingHeaders(freshSeconds: number) {
  return {
    // An id is the hash of the content: it can never mean anything else.
    'cache-control': `private, max-age=${freshSeconds}, immutable`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
  };
}

/** Ranges are for GET alone (RFC 9110, 14.2), and after `If-Range` only for the very file it names. */
function wantedRange({ method, headers }: FastifyRequest, etag: string, bytes: number) {
  const ifRange = headers['if-range'];
  const isAsked = method === 'GET' && (ifRange === undefined || ifRange === etag);
  return isAsked ? byteRange(headers.range, bytes) : undefined;
}

function rangeNotSatisfiable(bytes: number): HttpProblem {
  const message = `the asset has ${bytes} bytes, from 0 to ${bytes - 1}`;
  return new HttpProblem(416, 'range_not_satisfiable', `There are no such bytes: ${message}.`, {
    errors: [{ field: 'range', code: 'range_not_satisfiable', message }],
    headers: { 'content-range': `bytes */${bytes}` },
  });
}

function sendPart(
  reply: FastifyReply,
  part: Readable,
  { range: { start, end }, bytes }: { range: ByteRange; bytes: number },
): FastifyReply {
  return reply
    .code(206)
    .headers({ 'content-range': `bytes ${start}-${end}/${bytes}`, 'content-length': end - start + 1 })
    .send(part);
}

function matches(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}

/** The form of one range; several in one header are not supported, which a server may decide (RFC 9110, 14.2). */
const oneRange = /^bytes=\s*(\d*)-(\d*)\s*$/i;

/**
 * The part of a file a `Range` header asks for. `undefined` where the whole file is the right answer: no header, or
 * one that is to be ignored. `unsatisfiable` where the file has no such bytes.
 */
function byteRange(header: string | undefined, bytes: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = oneRange.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') return suffix(Number(last), bytes);
  const start = Number(first);
  const end = last === '' ? Infinity : Number(last);
  if (end < start) return undefined;
  return start < bytes ? { start, end: Math.min(end, bytes - 1) } : 'unsatisfiable';
}

function suffix(length: number, bytes: number): ByteRange | 'unsatisfiable' {
  if (length === 0 || bytes === 0) return 'unsatisfiable';
  return { start: Math.max(0, bytes - length), end: bytes - 1 };
}
