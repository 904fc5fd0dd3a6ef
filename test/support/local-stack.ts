import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import type { GenerationState } from '../../src/domain/generation';
import { createDemoClient, type DemoClient } from '../../local/demo/demo-client';
import { projectDirectory } from '../../local/stack/project-directory';
import { Stack } from '../../local/stack/stack';
import type { StackDescription } from '../../local/stack/stack-file';
import { freeStackPorts, type StackOptions, type StackPorts } from '../../local/stack/stack-options';

export interface LocalStackOptions extends Pick<StackOptions, 'workers' | 'workerEnvironments'> {
  dataDirectory: string;
  /** Left out: free ones. */
  ports?: StackPorts;
  environment?: NodeJS.ProcessEnv;
  /** Empties the data directory first. Default false. */
  fresh?: boolean;
}

/** `npm start` under a program's control, with clients for all of it. */
export interface LocalStack {
  api: DemoClient;
  temporal: Client;
  description: StackDescription;
  ports: StackPorts;
  /** Calls the emulator's control API and returns its answer. @throws Error when it refuses. */
  control(method: string, path: string, body?: object): Promise<unknown>;
  /** Waits for the end of a generation and returns the workflow's own state. */
  result(workflowId: string): Promise<GenerationState>;
  stop(): Promise<void>;
}

export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const ports = options.ports ?? (await freeStackPorts());
  const stack = new Stack({
    ...options,
    projectDirectory,
    ports,
    environment: { ...process.env, PROVIDERS: 'emulated', ...options.environment },
    logger: pino({ level: 'error' }, pino.destination(2)),
    fresh: options.fresh ?? false,
  });
  try {
    return await connect(stack, await stack.start(), ports);
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

async function connect(stack: Stack, description: StackDescription, ports: StackPorts): Promise<LocalStack> {
  const controlUrl = description.emulator?.control ?? '';
  const connection = await Connection.connect({ address: description.temporal });
  const temporal = new Client({ connection, namespace: description.namespace });
  return {
    api: createDemoClient({ api: description.api, control: controlUrl }),
    temporal,
    description,
    ports,
    async control(method, path, body) {
      const response = await fetch(new URL(path, controlUrl), {
        method,
        ...(body !== undefined && {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      });
      if (!response.ok) throw new Error(`the emulator refused ${method} ${path}: ${await response.text()}`);
      return response.status === 204 ? undefined : await response.json();
    },
    result: (workflowId) => temporal.workflow.result<() => Promise<GenerationState>>(workflowId),
    async stop() {
      await connection.close();
      await stack.stop();
    },
  };
}
