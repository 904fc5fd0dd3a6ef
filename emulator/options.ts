import { z } from 'zod';
import type { EmulatorOptions } from './start-emulator';

const port = (fallback: number): z.ZodType<number> =>
  z.coerce.number().int().min(0).max(65_535).default(fallback);

const environmentSchema = z.object({
  EMULATOR_HOST: z.string().min(1).default('127.0.0.1'),
  EMULATOR_CONTROL_PORT: port(9810),
  EMULATOR_MODAL_PORT: port(9811),
  EMULATOR_FAL_PORT: port(9812),
  EMULATOR_COMFYUI_PORT: port(9813),
  EMULATOR_TIME_SCALE: z.coerce.number().min(0).max(10).default(0.1),
  EMULATOR_MODAL_JOBS: z.enum(['named', 'plain']).default('named'),
  EMULATOR_SEED: z.coerce.number().int().min(0).default(1),
  EMULATOR_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

/** Thrown for an environment variable that cannot be used; the message names it. */
export class InvalidOption extends Error {
  override readonly name = 'InvalidOption';
}

/** Reads the process environment. @throws InvalidOption */
export function readOptions(environment: NodeJS.ProcessEnv): EmulatorOptions & { logLevel: string } {
  const given = Object.entries(environment).filter(
    ([name, value]) => name.startsWith('EMULATOR_') && value !== '',
  );
  const parsed = environmentSchema.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    throw new InvalidOption(
      parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
    );
  }
  const values = parsed.data;
  return {
    host: values.EMULATOR_HOST,
    ports: {
      control: values.EMULATOR_CONTROL_PORT,
      modal: values.EMULATOR_MODAL_PORT,
      fal: values.EMULATOR_FAL_PORT,
      comfyui: values.EMULATOR_COMFYUI_PORT,
    },
    timeScale: values.EMULATOR_TIME_SCALE,
    seed: values.EMULATOR_SEED,
    modalJobs: values.EMULATOR_MODAL_JOBS,
    logLevel: values.EMULATOR_LOG_LEVEL,
  };
}
