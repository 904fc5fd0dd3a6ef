import { ProviderError } from '../errors';

/**
 * Address of one path of one Modal app.
 *
 * @param baseUrl holds `{app}`.
 * @throws ProviderError of class `auth`: the route is wrong, and nothing was sent.
 */
export function modalUrl(baseUrl: string, app: string | undefined, path: string): string {
  if (app !== undefined && /^[A-Za-z0-9-]+$/.test(app) && path.startsWith('/')) {
    return `${baseUrl.replaceAll('{app}', app).replace(/\/+$/, '')}${path}`;
  }
  throw new ProviderError(`the route names no Modal app and path (app ${String(app)}, path ${path})`, {
    provider: 'modal',
    code: 'route_invalid',
    outcome: 'nothing_sent',
  });
}
