import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { startTcpProxy, type TcpProxy } from '../../proof/chaos/run/tcp-proxy';

describe('the proxy in front of Temporal', () => {
  let server: Server;
  let proxy: TcpProxy;
  beforeAll(async () => {
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    proxy = await startTcpProxy((server.address() as AddressInfo).port);
  });
  afterAll(async () => {
    await proxy.close();
    await new Promise((resolve) => server.close(resolve));
  });

  function open(): Socket {
    const [host = '', port = ''] = proxy.address.split(':');
    const socket = connect(Number(port), host);
    socket.on('error', () => undefined);
    return socket;
  }

  /** Whatever broke it. */
  function closed(socket: Socket): Promise<void> {
    return new Promise((resolve) => socket.once('close', () => resolve()));
  }

  async function echoOf(socket: Socket, text: string): Promise<string> {
    const answer = once(socket, 'data');
    socket.write(text);
    return String((await answer)[0]);
  }

  it('carries bytes both ways, ends what is open when it cuts, refuses meanwhile, and carries again', async () => {
    const first = open();
    expect(await echoOf(first, 'one')).toBe('one');
    const ended = closed(first);
    proxy.cut(true);
    await ended;

    const refused = open();
    await closed(refused);
    expect(refused.bytesRead).toBe(0);

    proxy.cut(false);
    const second = open();
    expect(await echoOf(second, 'two')).toBe('two');
    second.destroy();
  });
});
