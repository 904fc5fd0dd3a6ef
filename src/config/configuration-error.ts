/** Thrown when the environment or a configuration file cannot be used; the message names it and holds no value. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}
