import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createFilesystemAssetStore,
  createForeignPictures,
  ForeignUrlError,
  type ForeignPicturesOptions,
} from '../../src/assets';
import { isPublicAddress } from '../../src/assets/foreign/public-address';
import { passingRefusals } from '../../src/registry';
import { clip, picture, pngBomb } from './pictures';

type Options = Omit<ForeignPicturesOptions, 'assetStore'>;

let directory: string;
let server: Server;
let port: number;
/** Every request that reached this machine. */
let reached: string[];
let answer: RequestListener;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ryla-foreign-'));
  reached = [];
  answer = (_request, response) => response.writeHead(404).end();
  server = createServer((request, response) => {
    reached.push(request.url ?? '');
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true, force: true });
});

/** A resolver that gives these addresses, one list for each time it is asked, the last one for ever. */
function resolving(...answers: string[][]): { resolve: NonNullable<Options['resolve']>; asked: string[] } {
  const asked: string[] = [];
  const resolve: NonNullable<Options['resolve']> = (hostname, _options, done) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(hostname);
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return { resolve, asked };
}

function store(url: string, options: Options = {}, expects: 'image' | undefined = 'image') {
  const assetStore = createFilesystemAssetStore({ directory });
  return createForeignPictures({ assetStore, ...options }).store(url, { expects, caller: 'ava' });
}

/** What was refused, and whether the same request may help, as the API says it. */
async function refusal(stored: Promise<unknown>): Promise<{ problem: string; retryable: boolean }> {
  const error: unknown = await stored.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ForeignUrlError)) throw new Error('was not refused', { cause: error });
  return { problem: error.problem, retryable: passingRefusals.has(error.problem) };
}

/** The fake as a public host would be seen: `pictures.test`, let through by name and port. */
function publicFake(): Options {
  return { allowedHosts: [`pictures.test:${port}`], resolve: resolving(['127.0.0.1']).resolve };
}

const fakeUrl = (path = '/a.png') => `http://pictures.test:${port}${path}`;

async function leftovers(): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

describe('a picture behind a public URL', () => {
  it('becomes an asset by its content, whatever its headers say', async () => {
    const bytes = await picture('webp');
    answer = (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(bytes);

    expect(await store(fakeUrl(), publicFake())).toMatchObject({
      mediaType: 'image/webp',
      bytes: bytes.length,
    });
  });

  it('is followed through three redirects, and not through a fourth', async () => {
    const bytes = await picture('png');
    answer = ({ url = '' }, response) => {
      const left = Number(url.slice(1));
      if (left === 0) response.end(bytes);
      else response.writeHead(302, { location: `/${left - 1}` }).end();
    };

    expect(await store(fakeUrl('/3'), publicFake())).toMatchObject({ mediaType: 'image/png' });
    await expect(store(fakeUrl('/4'), publicFake())).rejects.toMatchObject({ problem: 'url_redirects' });
  });

  it.each<[string, number, string, boolean]>([
    ['is not there', 404, 'url_refused', false],
    ['wants a login', 401, 'url_refused', false],
    ['is out for a moment', 503, 'url_unreachable', true],
    ['asks for patience', 429, 'url_unreachable', true],
    ['says nothing new', 304, 'url_refused', false],
  ])('that %s: the caller learns whether a retry may help', async (_name, status, problem, retryable) => {
    answer = (_request, response) => response.writeHead(status).end();

    await expect(refusal(store(fakeUrl(), publicFake()))).resolves.toMatchObject({ problem, retryable });
  });
});

const refusedUrls: [string, string][] = [
  // Spellings of this machine.
  ['http://127.0.0.1/', 'url_not_public'],
  ['http://127.1/', 'url_not_public'],
  ['http://127.0.0.1./', 'url_not_public'],
  ['http://2130706433/', 'url_not_public'],
  ['http://0x7f000001/', 'url_not_public'],
  ['http://0x7f.1/', 'url_not_public'],
  ['http://0177.0.0.1/', 'url_not_public'],
  ['http://017700000001/', 'url_not_public'],
  ['http://127.255.255.254/', 'url_not_public'],
  ['http://0/', 'url_not_public'],
  ['http://0.0.0.0/', 'url_not_public'],
  ['http://１２７.０.０.１/', 'url_not_public'],
  ['http://127。0。0。1/', 'url_not_public'],
  ['http://%31%32%37.0.0.1/', 'url_not_public'],
  ['http://[::1]/', 'url_not_public'],
  ['http://[0:0:0:0:0:0:0:1]/', 'url_not_public'],
  ['http://[::]/', 'url_not_public'],
  ['http://[::ffff:127.0.0.1]/', 'url_not_public'],
  ['http://[::ffff:7f00:1]/', 'url_not_public'],
  ['http://[::127.0.0.1]/', 'url_not_public'],
  ['http://[::ffff:0:127.0.0.1]/', 'url_not_public'],
  // Private networks and clouds' own addresses.
  ['http://10.0.0.1/', 'url_not_public'],
  ['http://172.16.0.1/', 'url_not_public'],
  ['http://172.31.255.255/', 'url_not_public'],
  ['http://192.168.1.1/', 'url_not_public'],
  ['http://100.64.0.1/', 'url_not_public'],
  ['http://169.254.169.254/latest/meta-data/', 'url_not_public'],
  ['http://0xa9fea9fe/', 'url_not_public'],
  ['http://[::ffff:169.254.169.254]/', 'url_not_public'],
  ['http://[fd00:ec2::254]/', 'url_not_public'],
  ['http://[fe80::1]/', 'url_not_public'],
  ['http://[fec0::1]/', 'url_not_public'],
  ['http://[fc00::1]/', 'url_not_public'],
  // Ways round: translators, tunnels, groups, ranges without an owner.
  ['http://[64:ff9b::127.0.0.1]/', 'url_not_public'],
  ['http://[64:ff9b:1::7f00:1]/', 'url_not_public'],
  ['http://[2002:7f00:1::]/', 'url_not_public'],
  ['http://[2001:0:7f00:1::]/', 'url_not_public'],
  ['http://[2001:db8::1]/', 'url_not_public'],
  ['http://[ff02::1]/', 'url_not_public'],
  ['http://192.0.2.1/', 'url_not_public'],
  ['http://198.18.0.1/', 'url_not_public'],
  ['http://198.51.100.1/', 'url_not_public'],
  ['http://203.0.113.1/', 'url_not_public'],
  ['http://224.0.0.1/', 'url_not_public'],
  ['http://240.0.0.1/', 'url_not_public'],
  ['http://255.255.255.255/', 'url_not_public'],
  // No plain web address.
  ['ftp://example.com/a.png', 'url_invalid'],
  ['file:///etc/passwd', 'url_invalid'],
  ['gopher://example.com/', 'url_invalid'],
  ['javascript:alert(1)', 'url_invalid'],
  ['blob:http://example.com/1', 'url_invalid'],
  ['//example.com/a.png', 'url_invalid'],
  ['a.png', 'url_invalid'],
  ['http://', 'url_invalid'],
  ['http://[::1', 'url_invalid'],
  ['http://256.1.1.1/', 'url_invalid'],
  ['http://[fe80::1%25eth0]/', 'url_invalid'],
  ['http://user@example.com/', 'url_invalid'],
  ['http://user:secret@example.com/', 'url_invalid'],
  ['http://example.com@127.0.0.1/', 'url_invalid'],
  ['http://example.com:22/', 'url_invalid'],
  ['http://example.com:6379/', 'url_invalid'],
  ['http://example.com:8080/', 'url_invalid'],
  ['https://example.com:9800/', 'url_invalid'],
  ['http://example.com:0/', 'url_invalid'],
  ['http://example.com:65536/', 'url_invalid'],
];

describe('a URL that leads inside', () => {
  it.each(refusedUrls)('%s is refused before a name is asked for', async (url, problem) => {
    const names = resolving(['93.184.216.34']);

    await expect(refusal(store(url, names))).resolves.toMatchObject({ problem, retryable: false });
    expect(names.asked).toEqual([]);
    expect(reached).toEqual([]);
  });

  it.each<[string, string[]]>([
    ['this machine', ['127.0.0.1']],
    ['a private network', ['10.1.2.3']],
    ['this machine over IPv6', ['::1']],
    ['a mapped address', ['::ffff:127.0.0.1']],
    ['a public and a private address', ['93.184.216.34', '127.0.0.1']],
    ['an address that is none', ['localhost']],
  ])('by a name of %s is refused, and not connected to', async (_name, addresses) => {
    await expect(store('http://inside.test/', resolving(addresses))).rejects.toMatchObject({
      problem: 'url_not_public',
    });
    expect(reached).toEqual([]);
  });

  it('by a name that turns inward between two looks is refused', async () => {
    const names = resolving(['127.0.0.1'], ['10.0.0.1']);
    answer = (_request, response) =>
      response.writeHead(302, { location: 'http://pictures.test/b.png' }).end();
    const options = { allowedHosts: [`pictures.test:${port}`], resolve: names.resolve };

    await expect(store(fakeUrl(), options)).rejects.toMatchObject({ problem: 'url_not_public' });
    // One look for each connection: what was judged is what is connected to.
    expect(names.asked).toEqual(['pictures.test', 'pictures.test']);
    expect(reached).toEqual(['/a.png']);
  });

  it.each([
    ['http://127.0.0.1:9800/v1/generations', 'url_invalid'],
    ['http://169.254.169.254/latest/meta-data/', 'url_not_public'],
    ['http://[::1]/', 'url_not_public'],
    ['file:///etc/passwd', 'url_invalid'],
    ['http://user:secret@pictures.test/', 'url_invalid'],
  ])('by a redirect to %s is refused', async (location, problem) => {
    answer = (_request, response) => response.writeHead(301, { location }).end();

    await expect(store(fakeUrl(), publicFake())).rejects.toMatchObject({ problem });
    expect(reached).toEqual(['/a.png']);
  });

  it('is let through by host and port together, and by no other port of that host', async () => {
    const other = { ...publicFake(), allowedHosts: [`pictures.test:${port + 1}`] };

    await expect(store(fakeUrl(), other)).rejects.toMatchObject({ problem: 'url_invalid' });
  });

  it('public addresses are public', () => {
    const addresses = ['93.184.216.34', '8.8.8.8', '2606:2800:220:1:248:1893:25c8:1946', '::ffff:8.8.8.8'];
    for (const address of addresses) expect([address, isPublicAddress(address)]).toEqual([address, true]);
  });
});

describe('bytes that are no picture', () => {
  const html = Buffer.from('<!doctype html><html><body>Sign in</body></html>'.repeat(3));
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>');
  const zip = Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(100, 7)]);
  const gif = Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(100, 7)]);

  it.each<[string, () => Buffer | Promise<Buffer>, string]>([
    ['HTML', () => html, 'not_media'],
    ['SVG', () => svg, 'not_media'],
    ['a ZIP archive', () => zip, 'not_media'],
    ['a GIF', () => gif, 'not_media'],
    ['nothing', () => Buffer.alloc(0), 'empty'],
    ['half a picture', async () => (await picture('png')).subarray(0, 500), 'truncated'],
    ['a clip', () => clip(), 'wrong_kind'],
    ['a header that claims 60,000 x 60,000', () => pngBomb(), 'too_large'],
  ])('%s: refused, and nothing is kept', async (_name, make, problem) => {
    const bytes = await make();
    answer = (_request, response) => response.writeHead(200, { 'content-type': 'image/png' }).end(bytes);

    await expect(store(fakeUrl(), publicFake())).rejects.toMatchObject({ name: 'MediaError', problem });
    expect(await leftovers()).toEqual([]);
  });

  it('a header that claims 60,000 x 60,000 costs no memory', async () => {
    answer = (_request, response) => response.end(pngBomb());
    const before = process.memoryUsage().rss;

    await expect(store(fakeUrl(), publicFake())).rejects.toMatchObject({ problem: 'too_large' });

    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });

  it('what is compressed on its way is not unpacked', async () => {
    answer = ({ headers }, response) => {
      expect(headers['accept-encoding']).toBe('identity');
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(Buffer.from('1f8b0800000000000003', 'hex'));
    };

    await expect(store(fakeUrl(), publicFake())).rejects.toMatchObject({ problem: 'not_media' });
  });
});

describe('a server that wants to keep us busy', () => {
  it('an announced length above the limit is refused without a byte of it', async () => {
    answer = (_request, response) => response.writeHead(200, { 'content-length': '60000000' }).write('x');

    await expect(store(fakeUrl(), publicFake())).rejects.toMatchObject({ problem: 'url_too_large' });
  });

  it('an endless picture ends at the limit', async () => {
    const head = await picture('png');
    let sent = 0;
    answer = (request, response) => {
      response.write(head);
      const more = () => {
        while (!request.socket.destroyed && response.write(Buffer.alloc(10_000))) sent += 10_000;
        response.once('drain', more);
      };
      more();
    };

    const stored = store(fakeUrl(), { ...publicFake(), maxBytes: 200_000 });
    await expect(stored).rejects.toMatchObject({ problem: 'too_large' });
    expect(sent).toBeLessThan(50e6);
    expect(await leftovers()).toEqual([]);
  });

  it.each<[string, RequestListener]>([
    ['no answer', () => undefined],
    ['an answer that never goes on', (_request, response) => response.write('\x89PNG')],
  ])('%s ends at the time limit, and may be tried again', async (_name, listener) => {
    answer = listener;

    await expect(refusal(store(fakeUrl(), { ...publicFake(), totalMs: 200 }))).resolves.toMatchObject({
      problem: 'url_timeout',
      retryable: true,
    });
    expect(await leftovers()).toEqual([]);
  });

  it('a connection that breaks in the middle may be tried again', async () => {
    const bytes = await picture('png');
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': String(bytes.length) });
      response.write(bytes.subarray(0, 300), () => response.destroy());
    };

    await expect(refusal(store(fakeUrl(), publicFake()))).resolves.toMatchObject({
      problem: 'url_unreachable',
      retryable: true,
    });
    expect(await leftovers()).toEqual([]);
  });
});

describe('many fetches at the same moment', () => {
  const atOnce = { ofAll: 3, ofEach: 2 };

  /** What the server was asked for, and has not answered yet. */
  function holding() {
    const held: (() => void)[] = [];
    answer = (_request, response) => {
      held.push(() => void picture('png', { seed: reached.length }).then((bytes) => response.end(bytes)));
    };
    return held;
  }

  const settle = () => new Promise((resolve) => setTimeout(resolve, 150));

  it('wait for their turn, and no caller waits for the many of another', async () => {
    const held = holding();
    const assetStore = createFilesystemAssetStore({ directory });
    const pictures = createForeignPictures({ assetStore, ...publicFake(), atOnce });
    const fetch = (caller: string, path: string) =>
      pictures.store(fakeUrl(path), { expects: 'image', caller });

    const all = [
      fetch('a', '/a1'),
      fetch('a', '/a2'),
      fetch('a', '/a3'),
      fetch('b', '/b1'),
      fetch('c', '/c1'),
    ];
    await settle();
    expect(reached).toEqual(['/a1', '/a2', '/b1']);

    held[2]?.();
    await all[3];
    await settle();
    expect(reached.slice(3)).toEqual(['/c1']);

    held[0]?.();
    await all[0];
    await settle();
    expect(reached.slice(4)).toEqual(['/a3']);
    for (const go of held) go();
    await Promise.all(all);
  });

  it('that wait too long are given up, and leave their turn to others', async () => {
    const held = holding();
    const assetStore = createFilesystemAssetStore({ directory });
    const one = { ofAll: 1, ofEach: 1 };
    const pictures = createForeignPictures({ assetStore, ...publicFake(), atOnce: one, totalMs: 400 });
    const fetch = (path: string) => pictures.store(fakeUrl(path), { expects: 'image', caller: 'a' });

    const first = fetch('/1');
    const second = fetch('/2');
    await expect(Promise.allSettled([first, second])).resolves.toMatchObject([
      { status: 'rejected', reason: { problem: 'url_timeout' } },
      { status: 'rejected', reason: { problem: 'url_timeout' } },
    ]);
    expect(reached).toEqual(['/1']);

    const third = fetch('/3');
    await settle();
    held[1]?.();
    await expect(third).resolves.toMatchObject({ mediaType: 'image/png' });
  });
});

describe('a data: URL', () => {
  it.each([
    ['image/png;base64,', 'png'],
    ['text/html;base64,', 'png'],
    [';base64,', 'jpeg'],
    ['image/png;name=a.png;BASE64,', 'webp'],
  ] as const)('data:%s... is taken by its bytes', async (head, format) => {
    const bytes = await picture(format);

    expect(await store(`data:${head}${bytes.toString('base64')}`)).toMatchObject({
      mediaType: `image/${format}`,
      bytes: bytes.length,
    });
  });

  it.each([
    ['data:', 'data_url_invalid'],
    ['data:image/png;base64', 'data_url_invalid'],
    ['data:image/png;base64,', 'data_url_invalid'],
    ['data:image/png;base64,***', 'data_url_invalid'],
    ['data:image/png;base64,%zz', 'data_url_invalid'],
    ['data:image/png,%89PNG', 'data_url_invalid'],
    ['data:image/png;base64,AAAA', 'not_media'],
    [`data:image/png;base64,${pngBomb().toString('base64')}`, 'too_large'],
    [`data:image/svg+xml;base64,${Buffer.from('<svg/>'.repeat(9)).toString('base64')}`, 'not_media'],
  ])('%s is refused', async (url, problem) => {
    await expect(store(url)).rejects.toMatchObject({ problem });
  });
});
