/** Calls the emulator's control API. @throws Error when it refuses. */
export type Control = (method: string, path: string, body?: object) => Promise<unknown>;

/** `base`: URL of the control API. */
export function controlOf(base: string): Control {
  return async (method, path, body) => {
    const response = await fetch(new URL(path, base), {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    if (!response.ok) throw new Error(`the emulator refused ${method} ${path}: ${await response.text()}`);
    return response.status === 204 ? undefined : await response.json();
  };
}
