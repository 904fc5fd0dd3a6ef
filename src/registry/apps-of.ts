import type { ProviderName } from '../domain/taxonomy';
import { models } from './models';

/** The apps that serve a provider's endpoints, by name; none where the provider itself serves them. */
export function appsOf(provider: ProviderName): string[] {
  const apps = models.flatMap((model) =>
    model.provider === provider && model.app !== undefined ? [model.app] : [],
  );
  return [...new Set(apps)].toSorted();
}
