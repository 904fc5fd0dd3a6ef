/** The providers that are emulated. */
export const providerIds = ['modal', 'fal', 'comfyui'] as const;
export type ProviderId = (typeof providerIds)[number];
