import type { ProviderWatchView } from '../../domain/provider-watch';

/** What the Temporal UI shows as current details of a watch (Markdown). */
export function watchDetails(view: ProviderWatchView): string {
  const lines = [
    `**${view.provider} is ${view.state === 'checking' ? 'being checked' : view.state}** since ${view.since}`,
    ...(view.reason === undefined ? [] : ['', view.reason]),
    '',
    '| next probe | probes failed | reopened | jobs waiting | jobs woken |',
    '| --- | --- | --- | --- | --- |',
    `| ${[view.nextProbeAt ?? '', view.failedProbes, view.reopenings, view.parkedJobs, view.wokenJobs].join(' | ')} |`,
  ];
  const unlisted = `${view.unlistedJobs} more jobs wait; their own timers wake them.`;
  return [...lines, ...(view.unlistedJobs === 0 ? [] : ['', unlisted])].join('\n');
}
