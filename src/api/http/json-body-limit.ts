/** Longest JSON body, in bytes. Uploads have their own limit. */
export const jsonBodyLimitBytes = 1024 * 1024;
/** Longest body of a route that takes pictures as `data:` URLs: 6 MB of pictures, in base64. */
export const pictureBodyLimitBytes = 8 * 1024 * 1024;
