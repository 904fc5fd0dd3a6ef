import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { renderContactSheet, type SheetCell } from './contact-sheet';
import type { DemoClient } from './demo-client';
import { DemoError } from './demo-error';
import { namedSlots, type DemoFlow } from './demo-flow';
import type { NamedSlot } from './progress-view';

/** Where the results were put; absolute when the directory was. */
export interface WrittenPictures {
  /** One PNG per flow. */
  contactSheets: string[];
  /** The file of every slot, by the name it is shown under. */
  files: Map<string, string>;
}

/**
 * Downloads every picture to `<directory>/pictures`, decodes it, and draws one sheet per flow,
 * `<directory>/contact-sheets/<flow>.png`.
 *
 * @throws DemoError naming a file that cannot be decoded.
 */
export async function writePictures(
  client: DemoClient,
  flows: readonly DemoFlow[],
  directory: string,
): Promise<WrittenPictures> {
  const pictures = path.join(directory, 'pictures');
  const sheets = path.join(directory, 'contact-sheets');
  await Promise.all([pictures, sheets].map((folder) => mkdir(folder, { recursive: true })));
  const written: WrittenPictures = { contactSheets: [], files: new Map() };
  for (const flow of flows) {
    const cells: SheetCell[] = [];
    for (const named of namedSlots(flow.runs)) {
      const bytes = await download(client, named);
      const file = path.join(pictures, fileName(named));
      await writeFile(file, bytes);
      written.files.set(named.name, file);
      cells.push(await cellOf(bytes, named));
    }
    const sheet = path.join(sheets, `${flow.name}.png`);
    await writeFile(sheet, await renderContactSheet(flow.name, cells));
    written.contactSheets.push(sheet);
  }
  return written;
}

async function download(client: DemoClient, { name, slot }: NamedSlot): Promise<Buffer> {
  if (slot.assetUrl === null) throw new DemoError(`${name} has no file`);
  return await client.download(slot.assetUrl);
}

/** Such as `profile-picture-3.jpg`. */
function fileName({ name, slot }: NamedSlot): string {
  const ending = slot.mediaType?.split('/').at(-1)?.replace('jpeg', 'jpg') ?? 'bin';
  return `${name.toLowerCase().replaceAll(' ', '-')}.${ending}`;
}

async function cellOf(picture: Buffer, { name, slot }: NamedSlot): Promise<SheetCell> {
  const { provider, endpoint, mediaType, label, costUsd } = slot;
  const caption = [name, label, `${provider ?? ''}  $${costUsd.toFixed(4)}`, endpoint ?? ''];
  if (mediaType === 'video/mp4') return { caption };
  await renderContactSheet('', [{ picture, caption: [] }]).catch((error: unknown) => {
    throw new DemoError(`the file of ${name} cannot be decoded (${mediaType ?? 'no type'})`, {
      cause: error,
    });
  });
  return { picture, caption };
}
