import { buildPrograms } from '../../local/stack/build-programs';

/** Builds a project in a process of its own. Prints a line of JSON: the directory, and what was reported. */
async function main(projectDirectory: string): Promise<void> {
  const reported: string[] = [];
  const directory = await buildPrograms(projectDirectory, (line) => reported.push(line));
  process.stdout.write(`${JSON.stringify({ directory, reported })}\n`);
}

void main(process.argv[2] ?? '');
