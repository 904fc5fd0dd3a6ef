import { readHistories } from './history-file';

/** Longest history of a run with a handful of pictures, in bytes; one small picture is more. */
const longest = 200_000;
/** Begin of a JPEG, PNG or data URL in base64, as a payload would carry it. */
const signatures = ['/9j/4', 'iVBORw0KGgo', 'data:image', 'UklGR'];

describe('recorded runs', () => {
  it('carry no picture in their history, only what it is named', async () => {
    for (const [name, { history }] of await readHistories()) {
      const text = JSON.stringify(history, (_key, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
      );
      expect([name, text.length < longest]).toEqual([name, true]);
      for (const signature of signatures) expect([name, text.includes(signature)]).toEqual([name, false]);
      // Bytes of a JPEG and of a PNG themselves.
      expect([name, /\u00ff\u00d8\u00ff|\u0089PNG/.test(text)]).toEqual([name, false]);
    }
  });
});
