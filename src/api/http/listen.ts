import type { ApiServer } from '../context';

/** Starts serving. @returns the base URL @throws with a message for people when the port is taken. */
export async function listen(
  app: ApiServer,
  { host, port }: { host: string; port: number },
): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new Error(`Port ${port} on ${host} is in use. Set API_PORT to a free one.`, { cause: error });
    }
    throw error;
  }
}
