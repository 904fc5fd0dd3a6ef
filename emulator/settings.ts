import { z } from 'zod';

const credentials = z.strictObject({ key: z.string().min(1), secret: z.string().min(1) });

const modalSettings = z.strictObject({
  /** `named`: every app takes named jobs besides plain calls. `plain`: it knows nothing of them. */
  jobs: z.enum(['named', 'plain']).default('named'),
  /** With `named`: apps that know nothing of them all the same. */
  plainApps: z.array(z.string()).default([]),
  /** Longest time one request may stay unanswered; after that it is redirected. Modal's own figure. */
  redirectAfterSeconds: z.number().min(0).default(150),
  /** How `Location` is written: both forms were seen. */
  redirectLocation: z.enum(['absolute', 'relative']).default('absolute'),
  /** What a result URL answers while its call still runs. */
  pendingStatus: z.union([z.literal(302), z.literal(303), z.literal(408)]).default(303),
  /** Extra seconds of the first call to an app, and of the first after 300 idle seconds. */
  coldStartSeconds: z.number().min(0).default(0),
  /** The bytes of image routes; `png` is what a ComfyUI save node leaves under the declared `image/jpeg`. */
  imageBytes: z.enum(['jpeg', 'png']).default('jpeg'),
});

const falSettings = z.strictObject({
  /** The one accepted key; `null` accepts any. */
  key: z.string().min(1).nullable().default(null),
  /** Seconds a request stands in the queue before it runs. */
  queueSeconds: z.number().min(0).default(0.5),
  /** Seconds after its end until a request is listed by the platform API. */
  listingDelaySeconds: z.number().min(0).default(2),
  /** `false`: the key has no right to list requests. */
  mayListRequests: z.boolean().default(true),
  /** Published unit price / the one that is charged. */
  lyingPrices: z.number().positive().default(1),
});

const shape = {
  /** Every duration is multiplied by this: 0.1 turns 37 s into 3.7 s. */
  timeScale: z.number().min(0).max(10).default(0.1),
  /** Every job takes exactly this long (before scaling) instead of its endpoint's typical time. */
  fixedLatencySeconds: z.number().min(0).nullable().default(null),
  /** `true`: all cost headers Modal documents. `false`: only those seen in practice. */
  costHeaders: z.boolean().default(false),
  /** Modal's proxy credentials; `null` asks for none. */
  proxyAuth: credentials.nullable().default(null),
};

const settingsSchema = z.strictObject({
  ...shape,
  modal: modalSettings.prefault({}),
  fal: falSettings.prefault({}),
});

/** Switches of the emulator, all changeable while it runs. */
export type EmulatorSettings = z.infer<typeof settingsSchema>;

/** What `PUT /control/settings` takes: any part of the settings; what is left out stays. */
export const settingsPatchSchema = z.strictObject({
  timeScale: shape.timeScale.unwrap().optional(),
  fixedLatencySeconds: shape.fixedLatencySeconds.unwrap().optional(),
  costHeaders: z.boolean().optional(),
  proxyAuth: credentials.nullable().optional(),
  modal: z
    .strictObject({
      jobs: z.enum(['named', 'plain']).optional(),
      plainApps: z.array(z.string()).optional(),
      redirectAfterSeconds: z.number().min(0).optional(),
      redirectLocation: z.enum(['absolute', 'relative']).optional(),
      pendingStatus: z.union([z.literal(302), z.literal(303), z.literal(408)]).optional(),
      coldStartSeconds: z.number().min(0).optional(),
      imageBytes: z.enum(['jpeg', 'png']).optional(),
    })
    .optional(),
  fal: z
    .strictObject({
      key: z.string().min(1).nullable().optional(),
      queueSeconds: z.number().min(0).optional(),
      listingDelaySeconds: z.number().min(0).optional(),
      mayListRequests: z.boolean().optional(),
      lyingPrices: z.number().positive().optional(),
    })
    .optional(),
});
export type SettingsPatch = z.infer<typeof settingsPatchSchema>;

/** Holds the settings in force. */
export class SettingsHolder {
  readonly #initial: EmulatorSettings;
  #current: EmulatorSettings;

  constructor({ timeScale, modalJobs }: { timeScale: number; modalJobs: EmulatorSettings['modal']['jobs'] }) {
    this.#initial = settingsSchema.parse({ timeScale, modal: { jobs: modalJobs } });
    this.#current = this.#initial;
  }

  get current(): EmulatorSettings {
    return this.#current;
  }

  /** Applies to everything that starts from now on; running jobs keep their times. */
  change(patch: SettingsPatch): EmulatorSettings {
    const { modal, fal, ...top } = patch;
    this.#current = settingsSchema.parse({
      ...this.#current,
      ...top,
      modal: { ...this.#current.modal, ...modal },
      fal: { ...this.#current.fal, ...fal },
    });
    return this.#current;
  }

  reset(): void {
    this.#current = this.#initial;
  }
}
