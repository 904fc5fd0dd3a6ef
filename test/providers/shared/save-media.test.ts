import { PassThrough, type Readable } from 'node:stream';
import { DeadlineExceeded } from '../../../src/providers/http/deadlines';
import { MediaError } from '../../../src/domain/media';
import type { HttpReply } from '../../../src/providers/http/http';
import { saveMedia } from '../../../src/providers/save-media';
import { TransportError } from '../../../src/providers/http/transport-error';
import { MemoryMediaStore } from '../support/memory-media-store';

const options = { signal: new AbortController().signal, expects: 'image' } as const;

function replyOf(body: Readable): HttpReply {
  return { status: 200, url: 'http://127.0.0.1/', header: () => undefined, body };
}

/** A store that calls everything truncated, as a decoder does with half a picture. */
class StrictStore extends MemoryMediaStore {
  override async save(stream: Readable): Promise<never> {
    await stream.toArray().catch(() => undefined);
    throw new MediaError('truncated', 'half a picture');
  }
}

describe('saveMedia', () => {
  it.each([new TransportError('body', undefined), new DeadlineExceeded('idle', 30)])(
    'blames the connection (%s), not the picture it cut in half',
    async (failure) => {
      const body = new PassThrough();
      const saving = saveMedia(replyOf(body), new StrictStore(), options);
      body.destroy(failure);
      await expect(saving).rejects.toBe(failure);
    },
  );

  it('blames the picture when the connection was fine', async () => {
    const body = new PassThrough();
    body.end('half');
    await expect(saveMedia(replyOf(body), new StrictStore(), options)).rejects.toThrow('half a picture');
  });

  it("rejects with the caller's reason whatever the store makes of it", async () => {
    const body = new PassThrough();
    const controller = new AbortController();
    const saving = saveMedia(replyOf(body), new StrictStore(), { ...options, signal: controller.signal });
    controller.abort(new Error('cancelled'));
    body.end();
    await expect(saving).rejects.toThrow('cancelled');
  });

  it('never leaves a body open that the store did not read', async () => {
    const body = new PassThrough();
    const refusing = new MemoryMediaStore();
    refusing.save = () => Promise.reject(new MediaError('not_media', 'no'));
    await expect(saveMedia(replyOf(body), refusing, options)).rejects.toThrow('no');
    expect(body.destroyed).toBe(true);
  });
});
