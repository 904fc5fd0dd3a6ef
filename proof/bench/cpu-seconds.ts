import { readdirSync, readFileSync } from 'node:fs';

/** Of the kernel: clock ticks a second (`getconf CLK_TCK`), 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

interface ProcessTimes {
  parent: number;
  seconds: number;
}

/** CPU seconds that a process and all of its descendants have used so far. Linux only. */
export function cpuSeconds(pid: number): number {
  const processes = new Map<number, ProcessTimes>();
  for (const name of readdirSync('/proc')) {
    const times = /^\d+$/.test(name) ? timesOf(Number(name)) : undefined;
    if (times !== undefined) processes.set(Number(name), times);
  }
  const sum = (id: number): number =>
    [...processes].reduce(
      (seconds, [child, { parent }]) => (parent === id ? seconds + sum(child) : seconds),
      processes.get(id)?.seconds ?? 0,
    );
  return sum(pid);
}

/** `undefined` for one that has just ended. Children it has reaped count as its own. */
function timesOf(pid: number): ProcessTimes | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // The name before it may hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = [11, 12, 13, 14].reduce((total, index) => total + Number(fields[index]), 0);
    return { parent: Number(fields[1]), seconds: ticks / ticksPerSecond };
  } catch {
    return undefined;
  }
}
