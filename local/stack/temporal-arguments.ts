import { SearchAttributeType } from '@temporalio/common';
import * as searchAttributes from '../../src/domain/search-attributes';

/** The CLI's names of the types in use. */
const cliTypes: Partial<Record<SearchAttributeType, string>> = {
  [SearchAttributeType.KEYWORD]: 'Keyword',
  [SearchAttributeType.KEYWORD_LIST]: 'KeywordList',
  [SearchAttributeType.BOOL]: 'Bool',
};

/**
 * Polls per second of the history queues. The default of 20 makes every dispatch wait for a 50 ms slot, because the
 * development server has a single shard.
 */
const pollsPerSecond = 2000;

const dynamicConfig = [
  `history.transferProcessorMaxPollRPS=${pollsPerSecond}`,
  `history.timerProcessorMaxPollRPS=${pollsPerSecond}`,
  `history.visibilityProcessorMaxPollRPS=${pollsPerSecond}`,
  'system.enableActivityEagerExecution=true',
  // Without it priority and fairness keys are accepted and ignored.
  'matching.enableFairness=true',
  // The order holds within a partition only, and one is enough for every queue here.
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
];

export interface DevServerOptions {
  port: number;
  namespace: string;
  /** Port of the Temporal UI; left out: no UI. */
  uiPort?: number | undefined;
  /** Database file; left out: in memory. */
  databaseFile?: string | undefined;
}

/** Arguments of `temporal` for a development server on 127.0.0.1 with this project's settings. */
export function devServerArguments(options: DevServerOptions): string[] {
  const attributes = Object.values(searchAttributes).map(
    ({ name, type }) => `${name}=${cliTypes[type] ?? type}`,
  );
  return [
    'server',
    'start-dev',
    ...['--ip', '127.0.0.1', '--port', String(options.port)],
    ...(options.uiPort === undefined ? ['--headless'] : ['--ui-port', String(options.uiPort)]),
    ...(options.databaseFile === undefined ? [] : fileArguments(options.databaseFile)),
    ...(options.namespace === 'default' ? [] : ['--namespace', options.namespace]),
    ...dynamicConfig.flatMap((setting) => ['--dynamic-config-value', setting]),
    ...attributes.flatMap((attribute) => ['--search-attribute', attribute]),
    ...['--log-level', 'warn', '--log-format', 'json'],
  ];
}

/** NORMAL keeps every commit when the process is killed, and loses the last ones only when the power fails. */
function fileArguments(file: string): string[] {
  return [
    '--db-filename',
    file,
    '--sqlite-pragma',
    'journal_mode=WAL',
    '--sqlite-pragma',
    'synchronous=NORMAL',
  ];
}
