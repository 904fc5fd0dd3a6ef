import { parseStartArguments } from '../../local/start-options';

const defaults = { dataDirectory: '/checkout/data' };

describe('options of npm start', () => {
  it('gives the ports of the README when there are none', () => {
    expect(parseStartArguments([], defaults)).toEqual({
      dataDirectory: '/checkout/data',
      ports: {
        api: 9800,
        temporal: 9833,
        temporalUi: 9834,
        postgres: 9832,
        emulator: { control: 9810, modal: 9811, fal: 9812, comfyui: 9813 },
      },
    });
  });

  it('moves every port with --port-base, except those given one by one', () => {
    const { ports } = parseStartArguments(
      ['--port-base', '5000', '--ui-port', '8080', '--emulator-port', '7000'],
      {
        ...defaults,
        apiPort: 9999,
      },
    );

    expect(ports).toEqual({
      api: 5000,
      temporal: 5033,
      temporalUi: 8080,
      postgres: 5032,
      emulator: { control: 7000, modal: 7001, fal: 7002, comfyui: 7003 },
    });
  });

  it('takes API_PORT where no option says otherwise', () => {
    expect(parseStartArguments([], { ...defaults, apiPort: 4000 }).ports.api).toBe(4000);
    expect(parseStartArguments(['--api-port', '4001'], { ...defaults, apiPort: 4000 }).ports.api).toBe(4001);
  });
});
