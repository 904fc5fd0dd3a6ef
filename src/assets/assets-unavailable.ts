/** Thrown when the server that keeps the assets cannot be asked, or refuses. Its own words are the cause. */
export class AssetsUnavailable extends Error {
  override readonly name = 'AssetsUnavailable';

  constructor(cause: unknown) {
    super('the asset store cannot be used right now', { cause });
  }
}
