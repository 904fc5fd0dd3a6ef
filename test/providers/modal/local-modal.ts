import {
  createModalClient,
  type ModalClient,
  type ModalClientSettings,
} from '../../../src/providers/modal/client';
import { testJob } from '../support/call';
import {
  startLocalServer,
  type LocalServer,
  type ReceivedRequest,
  type Responder,
} from '../support/local-server';

/** The job of these tests. */
export const modalJob = testJob({ app: 'ryla-flux', endpoint: '/flux-dev' });
/** Where its result can be read. */
export const callUrl = '/ryla-flux/flux-dev?__modal_function_call_id=fc-1';

/** A Modal whose every answer the test decides, called without names unless told otherwise. */
export class LocalModal {
  private server: LocalServer | undefined;

  async start(respond: Responder, settings: Omit<ModalClientSettings, 'baseUrl'> = {}): Promise<ModalClient> {
    this.server = await startLocalServer(respond);
    return createModalClient({ baseUrl: `${this.url}/{app}`, namedJobs: 'off', ...settings });
  }

  get url(): string {
    return this.server?.url ?? '';
  }

  get received(): ReceivedRequest[] {
    return this.server?.received ?? [];
  }

  /** Requests as the server saw them, such as `POST /ryla-flux/flux-dev`. */
  lines(): string[] {
    return this.received.map(({ method, path }) => `${method} ${path}`);
  }

  async close(): Promise<void> {
    await this.server?.close();
  }
}
