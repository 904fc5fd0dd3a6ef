import { Client, Connection } from '@temporalio/client';
import { flowAttribute } from '../../src/domain/search-attributes';
import { registerSearchAttributes } from '../../local/stack/temporal-server';
import { startTemporalServer, type TemporalTestServer } from '../support/temporal';

describe('temporal development server', () => {
  let server: TemporalTestServer;
  let connection: Connection;

  beforeAll(async () => {
    server = await startTemporalServer();
    connection = await Connection.connect({ address: server.address });
  });
  afterAll(async () => {
    await connection.close();
    await server.stop();
  });

  it('knows every search attribute from the start', async () => {
    const found = await connection.operatorService.listSearchAttributes({ namespace: server.namespace });

    expect(Object.keys(found.customAttributes)).toEqual(
      expect.arrayContaining(['Flow', 'CharacterId', 'Provider', 'Nsfw', 'GenerationStatus']),
    );
  });

  it('takes the registration of search attributes it already has', async () => {
    await expect(registerSearchAttributes(server)).resolves.toBeUndefined();
  });

  it('starts a workflow that carries search attributes', async () => {
    const client = new Client({ connection, namespace: server.namespace });
    const handle = await client.workflow.start('studioGeneration', {
      workflowId: 'studio/demo/1',
      taskQueue: 'nobody',
      typedSearchAttributes: [{ key: flowAttribute, value: 'studio' }],
    });

    expect((await handle.describe()).status.name).toBe('RUNNING');
  });
});
