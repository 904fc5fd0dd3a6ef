const defaultTimeScale = '0.08';

export interface DemoEnvironment {
  environment: NodeJS.ProcessEnv;
  /** What was set aside, for a line in the log. */
  ignored: string[];
}

/** Variables that would let made-up pictures reach real data. */
const setAside = ['DATABASE_URL', 'ASSETS_DIR', 'API_HOST', 'API_PORT'];

/** The environment for the demo's stack: always emulated, with a database of its own. */
export function demoEnvironment(source: NodeJS.ProcessEnv): DemoEnvironment {
  const environment = { ...source };
  const ignored = setAside.filter((name) => (source[name] ?? '') !== '');
  for (const name of setAside) delete environment[name];
  environment['PROVIDERS'] = 'emulated';
  environment['EMULATOR_TIME_SCALE'] ??= defaultTimeScale;
  return { environment, ignored };
}
