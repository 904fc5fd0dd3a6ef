import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { renderContactSheet, type SheetCell } from './contact-sheet';
import type { DemoClient } from './demo-client';
import { DemoError } from './demo-error';
import { namedSlots, type DemoFlow } from './demo-flow';
import type { NamedSlot } from './progress-view';

/**
 * Downloads every picture, decodes it and draws one sheet per flow, `<directory>/<flow>.png`.
 *
 * @returns the paths of the sheets.
 * @throws DemoError naming a file that cannot be decoded.
 */
export async function writeContactSheets(
  client: DemoClient,
  flows: readonly DemoFlow[],
  directory: string,
): Promise<string[]> {
  await mkdir(directory, { recursive: true });
  const files: string[] = [];
  for (const flow of flows) {
    const cells: SheetCell[] = [];
    for (const named of namedSlots(flow.runs)) cells.push(await cellOf(client, named));
    const file = path.join(directory, `${flow.name}.png`);
    await writeFile(file, await renderContactSheet(flow.name, cells));
    files.push(file);
  }
  return files;
}

async function cellOf(client: DemoClient, { name, slot }: NamedSlot): Promise<SheetCell> {
  const { assetUrl, provider, endpoint, mediaType, label, costUsd } = slot;
  if (assetUrl === null) throw new DemoError(`${name} has no file`);
  const picture = await client.download(assetUrl);
  const caption = [name, label, `${provider ?? ''}  $${costUsd.toFixed(4)}`, endpoint ?? ''];
  if (mediaType === 'video/mp4') return { caption };
  await renderContactSheet('', [{ picture, caption: [] }]).catch((error: unknown) => {
    throw new DemoError(`the file of ${name} cannot be decoded (${mediaType ?? 'no type'})`, {
      cause: error,
    });
  });
  return { picture, caption };
}
