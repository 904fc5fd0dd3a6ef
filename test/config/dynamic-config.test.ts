import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { emulatedTaskQueue, generationTaskQueue, providerTaskQueue } from '../../src/domain/task-queues';
import { providerNames } from '../../src/domain/taxonomy';
import { devServerArguments } from '../../local/stack/temporal-arguments';

const file = readFileSync(join(__dirname, '../../deploy/dynamicconfig.yaml'), 'utf8');

/** One setting of a Temporal server, and the task queues it is for; none: all. */
interface Setting {
  values: string[];
  taskQueues: string[];
}

/** The settings of a cluster. The file's few shapes are read by hand; an alias stands for what it names. */
function clusterSettings(): Map<string, Setting> {
  const settings = new Map<string, Setting>();
  const anchors = new Map<string, Setting>();
  for (const [, key = '', mark, name = '', body = ''] of file.matchAll(
    /^([\w.]+):(?: ([&*])(\w+))?\n((?: .*\n?)*)/gm,
  )) {
    const setting = mark === '*' ? anchors.get(name) : readSetting(body);
    if (setting === undefined) throw new Error(`${key} names ${name}, which is not in the file`);
    if (mark === '&') anchors.set(name, setting);
    settings.set(key, setting);
  }
  return settings;
}

function readSetting(body: string): Setting {
  const all = (pattern: RegExp): string[] => [...body.matchAll(pattern)].map(([, value = '']) => value);
  return { values: [...new Set(all(/- value: (\S+)/g))], taskQueues: all(/taskQueueName: (\S+)/g) };
}

/** The settings `npm start` and the tests give their server, without those for its single shard. */
function localSettings(): Map<string, string> {
  const serverArguments = devServerArguments({ port: 1, namespace: 'default' });
  const pairs = serverArguments.flatMap((argument, index) => {
    const [key = '', value = ''] = argument.split('=');
    return serverArguments[index - 1] === '--dynamic-config-value' ? [[key, value] as const] : [];
  });
  return new Map(pairs.filter(([key]) => !key.endsWith('ProcessorMaxPollRPS')));
}

describe("the cluster's settings", () => {
  it('are those under which the tests hold priority and fair turns', () => {
    const cluster = [...clusterSettings()].map(([key, { values }]) => [key, values]);

    expect(Object.fromEntries(cluster)).toEqual(
      Object.fromEntries([...localSettings()].map(([key, value]) => [key, [value]])),
    );
  });

  it('give one partition to every queue of a provider, real or emulated', () => {
    const queues = [generationTaskQueue, emulatedTaskQueue].flatMap((queue) =>
      providerNames.map((provider) => providerTaskQueue(queue, provider)),
    );

    const settings = clusterSettings();
    for (const kind of ['Read', 'Write']) {
      expect(settings.get(`matching.numTaskqueue${kind}Partitions`)?.taskQueues).toEqual(queues);
    }
  });
});
