import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  emptyDataDirectory,
  makeDataDirectory,
  recordProviderMode,
  requireProviderMode,
} from '../../local/stack/data-directory';
import { scratchDirectory, type ScratchDirectory } from './fake-service';

describe('the data directory', () => {
  let scratch: ScratchDirectory;
  let directory: string;

  beforeEach(() => {
    scratch = scratchDirectory();
    directory = path.join(scratch.path, 'data');
  });
  afterEach(() => scratch[Symbol.dispose]());

  function use(mode: 'emulated' | 'real'): void {
    makeDataDirectory(directory);
    requireProviderMode(directory, mode);
    recordProviderMode(directory, mode);
  }

  it('belongs to the provider mode it was first used with', () => {
    use('real');
    use('real');

    expect(() => use('emulated')).toThrow(
      `${directory} holds data of real providers, but providers are now emulated.`,
    );
  });

  it('made before modes were recorded takes the present one', () => {
    mkdirSync(directory);
    writeFileSync(path.join(directory, '.ryla-generation'), 'Data of a local ryla-generation stack.\n');

    use('real');

    expect(() => use('emulated')).toThrow('holds data of real providers');
    emptyDataDirectory(directory);
  });

  it('stays with its mode when it is emptied', () => {
    use('emulated');
    emptyDataDirectory(directory);

    expect(() => use('real')).toThrow('holds data of emulated providers');
  });

  it('that held other files before has a mode too, but is never emptied', () => {
    mkdirSync(directory);
    const thesis = path.join(directory, 'thesis.doc');
    writeFileSync(thesis, 'x');
    use('emulated');
    use('emulated');

    expect(() => use('real')).toThrow('holds data of emulated providers');
    expect(() => emptyDataDirectory(directory)).toThrow('choose another --data-dir');
    expect(existsSync(thesis)).toBe(true);
  });

  it('tells a person who finds its marker what it is', () => {
    use('emulated');

    expect(readFileSync(path.join(directory, '.ryla-generation'), 'utf8')).toBe(
      'Data of a local ryla-generation stack.\nproviders: emulated\n',
    );
  });
});
