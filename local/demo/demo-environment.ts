const defaultTimeScale = '0.08';
/** An outage of seconds stands for one of minutes. */
const defaultGraceSeconds = '3';

export interface DemoEnvironment {
  environment: NodeJS.ProcessEnv;
  /** What was set aside, for a line in the log. */
  ignored: string[];
}

/** Variables that would let made-up pictures reach real data. */
const setAside = ['DATABASE_URL', 'ASSETS_DIR', 'ASSET_STORE', 'API_HOST', 'API_PORT'];

/** The environment for the demo's stack: always emulated, with a database of its own. */
export function demoEnvironment(source: NodeJS.ProcessEnv): DemoEnvironment {
  const ignored = setAside.filter((name) => (source[name] ?? '') !== '');
  const kept = Object.entries(source).filter(([name]) => !setAside.includes(name));
  const environment = {
    EMULATOR_TIME_SCALE: defaultTimeScale,
    OUTAGE_GRACE_SECONDS: defaultGraceSeconds,
    ...Object.fromEntries(kept),
    PROVIDERS: 'emulated',
  };
  return { environment, ignored };
}
