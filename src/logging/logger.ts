import { destination, pino, type Logger } from 'pino';

/** JSON lines on stderr; stdout is for what a program prints to its caller. Credentials and prompts are cut out by name. */
export function createLogger(name: string, level: string): Logger {
  return pino(
    {
      name,
      level,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: [
          'authorization',
          '*.authorization',
          '*.Authorization',
          'headers',
          '*.headers',
          'body',
          '*.body',
          '*.secret',
          'prompt',
          '*.prompt',
          '*.negativePrompt',
          // PostgreSQL quotes whole rows in it.
          '*.detail',
          '*.config',
          '*.request',
        ],
        remove: true,
      },
    },
    destination({ dest: 2, sync: true }),
  );
}
