/** Longest JSON body, in bytes. Uploads have their own limit. */
export const jsonBodyLimitBytes = 1024 * 1024;
