import { spell } from './duration.ts';
import type { Kind, Policy } from './policy.ts';

const hour = 3_600_000;

/** SP 800-63B-4 (August 2025) §2.1.3, §2.2.3, §2.3.3: the longest limits of each assurance level. */
const levels = [
  { name: 'AAL1', absolute: 30 * 24 * hour, idle: Number.POSITIVE_INFINITY },
  { name: 'AAL2', absolute: 24 * hour, idle: hour },
  { name: 'AAL3', absolute: 12 * hour, idle: hour / 4 },
] as const;

/**
 * A policy as the document that ASVS 7.1.1 to 7.1.3 ask for, in Markdown: limits, how they compare with
 * SP 800-63B-4, parallel sessions, and what ends a session.
 */
export function policyText(policy: Policy): string {
  const kinds = Object.entries(policy.kinds);
  return [
    `# Session policy: ${policy.name}`,
    '',
    '## Lifetimes (ASVS 7.1.1)',
    '',
    '| kind | ends when not used for | ends at the latest after | new secret | outlives the browser |',
    '|---|---|---|---|---|',
    ...kinds.map(([name, kind]) => `| ${[name, ...cells(kind)].join(' | ')} |`),
    '',
    ...kinds.filter(([name]) => name !== 'anonymous').map(([name, kind]) => `- ${name}: ${comparison(kind)}`),
    '',
    'Both limits are checked at every request by the store’s clock. Use moves the first and never the second.',
    `A session may end up to one touch interval early (${kinds.map(([name, kind]) => `${name} ${spell(kind.touchInterval)}`).join(', ')}), never late.`,
    '',
    '## Parallel sessions (ASVS 7.1.2)',
    '',
    policy.limit === Number.POSITIVE_INFINITY
      ? 'One account may have any number of sessions.'
      : `One account may have ${policy.limit} sessions. ${over[policy.onLimit]}`,
    '',
    '## Federation (ASVS 7.1.3)',
    '',
    'Sessions of this policy are made and ended by this application alone; no other system is asked or told.',
    '',
    '## Visitors who have not signed in',
    '',
    visitors(policy),
    '',
    '## What else ends or changes a session',
    '',
    '- Sign-in, re-authentication, step-up and impersonation end the token before at once.',
    `- A rotated token authenticates for another ${spell(policy.grace)}. Used later, the session ends (rotation_lost).`,
    policy.onReuse === 'terminate'
      ? '- An older token used again is a copy: the session ends (reuse_detected).'
      : '- An older token used again is a copy: the session asks for a fresh proof (reuse_detected).',
    `- An impersonation lasts ${spell(policy.impersonateFor)} at most.`,
    `- A sign-in waits ${spell(policy.pendingFor)} for its second factor.`,
    `- Forms carry a session-bound token: ${policy.formToken === 'required' ? 'yes, on every route with a sign-in rule' : 'no; same-origin evidence suffices'}.`,
    '',
  ].join('\n');
}

const over = {
  refuse: 'One more sign-in is refused.',
  'end-oldest': 'One more sign-in ends the oldest.',
  'end-idlest': 'One more sign-in ends the one unused longest.',
} as const;

function cells(kind: Kind): string[] {
  return [spell(kind.idle), spell(kind.absolute), rotation(kind), kind.persistent ? 'yes' : 'no'];
}

function rotation({ rotateEvery, rotateAfterAway }: Kind): string {
  const every = rotateEvery === Number.POSITIVE_INFINITY ? [] : [`every ${spell(rotateEvery)}`];
  const away = rotateAfterAway === Number.POSITIVE_INFINITY ? [] : [`after ${spell(rotateAfterAway)} away`];
  return [...every, ...away].join(', and ') || 'never';
}

function comparison({ idle, absolute, persistent }: Kind): string {
  const met = levels.filter((level) => absolute <= level.absolute && idle <= level.idle);
  const highest = met.at(-1);
  if (highest === undefined) return 'longer than SP 800-63B-4 allows at AAL1. Justify this deviation.';
  const kept = persistent ? ' It outlives the browser, which §5.1 advises against: justify this deviation.' : '';
  return `within SP 800-63B-4 at ${highest.name}.${kept}`;
}

function visitors(policy: Policy): string {
  if (policy.anonymous === 'off') return 'None have a session.';
  const when =
    policy.anonymous === 'lazy'
      ? 'with their first write, or sooner: with a visit to a route that begins one'
      : 'with their first visit';
  return `They get a session ${when}. At most ${policy.mostAnonymous} at a time, ${policy.anonymousPerMinute} a minute from one address, ${policy.anonymousDataBytes} bytes each.`;
}
