import path from 'node:path';

/** Root of the checkout. Absolute. */
export const projectDirectory = path.resolve(__dirname, '..', '..');
