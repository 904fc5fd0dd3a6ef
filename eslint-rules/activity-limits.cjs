/**
 * Every activity must end by itself: one try (start-to-close) and all tries with their waits (schedule-to-close, or the
 * wait for a worker). One that may wait long, or runs on another queue than the workflow's, must also be missed when its
 * worker falls silent (heartbeat).
 *
 * @type {import('eslint').Rule.RuleModule}
 */
const activityLimits = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      literal: 'Give the options of {{proxy}} as an object literal: its timeouts must be seen here.',
      missing: '{{proxy}} without {{timeout}}: this activity could wait for ever.',
      silent:
        '{{proxy}} without heartbeatTimeout: a worker that dies in this activity would be noticed late.',
    },
  },
  create(context) {
    return {
      CallExpression(call) {
        const proxy = nameOf(call.callee);
        if (proxy !== 'proxyActivities' && proxy !== 'proxyLocalActivities') return;
        const [options] = call.arguments;
        if (options?.type !== 'ObjectExpression') {
          context.report({ node: call, messageId: 'literal', data: { proxy } });
          return;
        }
        for (const problem of problemsOf(options, proxy)) {
          context.report({ node: call, messageId: problem.messageId, data: { proxy, ...problem } });
        }
      },
    };
  },
};

/** Longest try, in seconds, that a dead worker may take up unnoticed. */
const unheardSeconds = 60;

function problemsOf(options, proxy) {
  const given = new Map(
    options.properties
      .filter(({ type, computed }) => type === 'Property' && !computed)
      .map(({ key, value }) => [key.name ?? key.value, value]),
  );
  const problems = [];
  if (!given.has('startToCloseTimeout'))
    problems.push({ messageId: 'missing', timeout: 'startToCloseTimeout' });
  if (!given.has('scheduleToCloseTimeout') && !given.has('scheduleToStartTimeout')) {
    problems.push({ messageId: 'missing', timeout: 'scheduleToCloseTimeout' });
  }
  const isShort = secondsOf(given.get('startToCloseTimeout')) <= unheardSeconds;
  const needsHeartbeat = proxy === 'proxyActivities' && (given.has('taskQueue') || !isShort);
  if (needsHeartbeat && !given.has('heartbeatTimeout')) problems.push({ messageId: 'silent' });
  return problems;
}

const unitSeconds = {
  ms: 0.001,
  s: 1,
  second: 1,
  m: 60,
  minute: 60,
  h: 3600,
  hour: 3600,
  d: 86_400,
  day: 86_400,
};

/** Seconds of a literal duration; Infinity where only the running program knows. */
function secondsOf(node) {
  if (node?.type !== 'Literal') return Infinity;
  if (typeof node.value === 'number') return node.value / 1000;
  const [, amount, unit = ''] = /^(\d+) ?([a-z]+)$/.exec(String(node.value)) ?? [];
  return Number(amount) * (unitSeconds[unit] ?? unitSeconds[unit.replace(/s$/, '')] ?? Infinity);
}

function nameOf(callee) {
  if (callee.type === 'Identifier') return callee.name;
  return callee.type === 'MemberExpression' ? callee.property.name : undefined;
}

module.exports = { activityLimits };
