import { models } from '../registry';

/** Seconds the longest call of any endpoint may take, from the registry's policies. */
export const longestCallSeconds = Math.max(...models.map(({ policy }) => policy.startToCloseSeconds));
