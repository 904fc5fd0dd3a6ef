import { homedir } from 'node:os';
import path from 'node:path';

/**
 * Where downloads and builds are kept between checkouts: `RYLA_CACHE_DIR`, else `ryla-generation` under
 * `XDG_CACHE_HOME`, else `~/.cache/ryla-generation`. Absolute. The directory may not exist yet.
 */
export function cacheDirectory(environment: NodeJS.ProcessEnv): string {
  const own = environment['RYLA_CACHE_DIR'];
  if (own !== undefined && own !== '') return path.resolve(own);
  const shared = environment['XDG_CACHE_HOME'];
  const base =
    shared !== undefined && path.isAbsolute(shared) ? shared : path.join(homeOf(environment), '.cache');
  return path.join(base, 'ryla-generation');
}

function homeOf(environment: NodeJS.ProcessEnv): string {
  const home = environment['HOME'];
  return home !== undefined && home !== '' ? home : homedir();
}
