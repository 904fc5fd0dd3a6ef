import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporal } from '@temporalio/proto';

/** A recorded run: protobuf in base64, because the JSON form does not survive a replay in this SDK version. */
interface HistoryFile {
  workflowId: string;
  history: string;
}

export interface RecordedHistory {
  workflowId: string;
  history: temporal.api.history.v1.IHistory;
}

const directory = join(__dirname, 'histories');
const { History } = temporal.api.history.v1;

/** Keeps a history that is there already: it stands for runs that are under way while a deploy happens. */
export async function writeHistory(name: string, { workflowId, history }: RecordedHistory): Promise<void> {
  const file: HistoryFile = {
    workflowId,
    history: Buffer.from(History.encode(history).finish()).toString('base64'),
  };
  await writeFile(join(directory, `${name}.json`), `${JSON.stringify(file)}\n`, { flag: 'wx' }).catch(
    (error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    },
  );
}

/** All recorded histories by name, in order of name. */
export async function readHistories(): Promise<Map<string, RecordedHistory>> {
  const names = (await readdir(directory)).filter((file) => file.endsWith('.json')).sort();
  const entries = names.map(async (file): Promise<[string, RecordedHistory]> => {
    const { workflowId, history } = JSON.parse(await readFile(join(directory, file), 'utf8')) as HistoryFile;
    return [
      file.replace('.json', ''),
      { workflowId, history: History.decode(Buffer.from(history, 'base64')) },
    ];
  });
  return new Map(await Promise.all(entries));
}
