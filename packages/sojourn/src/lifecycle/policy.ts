import { type Duration, milliseconds, spell } from './duration.ts';
import { invalid } from './errors.ts';
import { knownKeys, oneOf, whole } from './options.ts';

/** Limits of one kind of session. */
export interface KindOptions {
  /** Ends after this long without a request. */
  idle?: Duration;
  /** Ends this long after it began, whatever happens. */
  absolute?: Duration;
  /** A new secret this often; `'never'` only for visitors. */
  rotateEvery?: Duration | 'never';
  /** Also a new secret at the first request after being away this long. */
  rotateAfterAway?: Duration | 'never';
  /** Seen is written at most this often: an idle session ends up to this much early, never late. */
  touchInterval?: Duration;
  /** The cookie outlives the browser (Max-Age is the absolute limit). */
  persistent?: boolean;
}

/** What happens to one key of a visitor's data at sign-in: kept, joined with the subject's own, or dropped. */
export type Handover = 'keep' | 'merge' | 'drop' | ((visitors: unknown, own: unknown) => unknown);

export interface PolicyOptions {
  /** Where unnamed options come from. */
  extends?: PolicyName;
  /** `anonymous`, `standard` and `remembered` always exist; more may be named. */
  kinds?: Record<string, KindOptions>;
  /** How long the last secret still authenticates requests that were under way when it was replaced. */
  grace?: Duration;
  /** Most sessions of one subject. */
  limit?: number | 'none';
  onLimit?: 'refuse' | 'end-oldest' | 'end-idlest';
  onReuse?: 'terminate' | 'step-up';
  /** `lazy`: a visitor's record begins with the first write. `eager`: with the first visit. */
  anonymous?: 'lazy' | 'eager' | 'off';
  mostAnonymous?: number;
  /** New visitors' records a minute from one address (IPv6: one /64). */
  anonymousPerMinute?: number;
  /** Most bytes of a session's data as JSON. */
  dataBytes?: number;
  anonymousDataBytes?: number;
  /** How long a sign-in may wait for its second factor. */
  pendingFor?: Duration;
  /** The longest impersonation. */
  impersonateFor?: Duration;
  /** Keys of a visitor's data that cross the sign-in; what is not named is dropped. */
  handover?: Record<string, Handover>;
  /** A session-bound token in forms or headers beside the same-origin evidence (SP 800-63B-4 §5.1). */
  formToken?: 'off' | 'required';
}

export interface Kind {
  readonly idle: number;
  readonly absolute: number;
  readonly rotateEvery: number;
  readonly rotateAfterAway: number;
  readonly touchInterval: number;
  readonly persistent: boolean;
}

const nameless: Kind = {
  idle: 0,
  absolute: 0,
  rotateEvery: 0,
  rotateAfterAway: 0,
  touchInterval: 0,
  persistent: false,
};

/** The last answer: a request asks several times, and most sessions are of one kind. */
let asked: { readonly kinds: Policy['kinds'] | null; readonly name: string; readonly kind: Kind } = {
  kinds: null,
  name: '',
  kind: nameless,
};

/** A kind that the policy no longer names has no lifetime. */
export function kindOf({ kinds }: Pick<Policy, 'kinds'>, name: string): Kind {
  if (asked.name !== name || asked.kinds !== kinds) asked = { kinds, name, kind: kinds[name] ?? nameless };
  return asked.kind;
}

/** A checked policy; every span in milliseconds, `Infinity` where there is none. */
export interface Policy {
  readonly name: string;
  readonly kinds: Readonly<Record<string, Kind>>;
  readonly grace: number;
  readonly limit: number;
  readonly onLimit: 'refuse' | 'end-oldest' | 'end-idlest';
  readonly onReuse: 'terminate' | 'step-up';
  readonly anonymous: 'lazy' | 'eager' | 'off';
  readonly mostAnonymous: number;
  readonly anonymousPerMinute: number;
  readonly dataBytes: number;
  readonly anonymousDataBytes: number;
  readonly pendingFor: number;
  readonly impersonateFor: number;
  readonly handover: Readonly<Record<string, Handover>>;
  readonly formToken: 'off' | 'required';
}

/** Every default, here and nowhere else. */
const defaults = {
  policy: {
    grace: '30s',
    limit: 1000,
    onLimit: 'end-oldest',
    onReuse: 'terminate',
    anonymous: 'lazy',
    mostAnonymous: 100_000,
    anonymousPerMinute: 60,
    dataBytes: 16_384,
    anonymousDataBytes: 4096,
    pendingFor: '10m',
    impersonateFor: '1h',
    handover: {},
    formToken: 'off',
  },
  /** What a kind leaves open; the touch interval is a thirtieth of its idle limit, at most a minute. */
  kind: { idle: '30m', absolute: '12h', rotateEvery: '1h', rotateAfterAway: 'never', persistent: false },
  touchesPerIdle: 30,
  longestTouchInterval: '60s',
  kinds: {
    anonymous: { absolute: '2h', rotateEvery: 'never' },
    standard: {},
    remembered: { idle: '7d', absolute: '30d', rotateAfterAway: '30m', persistent: true },
  },
} as const satisfies {
  policy: Required<Omit<PolicyOptions, 'extends' | 'kinds'>>;
  kind: Required<Omit<KindOptions, 'touchInterval'>>;
  touchesPerIdle: number;
  longestTouchInterval: Duration;
  kinds: Record<string, KindOptions>;
};

/** How many touch intervals an idle limit must span, so that being merged cannot end a busy session. */
const leastTouches = 2;

/** SP 800-63B-4 (August 2025) §2.1.3, §2.2.3, §2.3.3 and §5.1: one pair of limits, nothing persistent above AAL1. */
function nist(idle: Duration, absolute: Duration, persistent: boolean): PolicyOptions {
  const limits = { idle, absolute };
  return { kinds: { standard: limits, remembered: { ...limits, persistent } }, formToken: 'required' };
}

/** Policies by name; the NIST ones carry their revision. */
export type PolicyName = 'default' | 'nist-63b4-aal1' | 'nist-63b4-aal2' | 'nist-63b4-aal3';

const named: Readonly<Record<PolicyName, PolicyOptions>> = {
  default: {},
  'nist-63b4-aal1': nist('30d', '30d', true),
  'nist-63b4-aal2': nist('1h', '24h', false),
  'nist-63b4-aal3': nist('15m', '12h', false),
};

/** The names `createSessions({ policy })` accepts. */
export const policyNames: readonly PolicyName[] = Object.keys(named) as PolicyName[];

const kindKeys = [...Object.keys(defaults.kind), 'touchInterval'];

/** One kind, whole and checked. A default gives way to a shorter absolute limit; only what was asked for can be too long. */
function checkKind(name: string, base: KindOptions, own: KindOptions): Kind {
  const where = `policy.kinds.${name}`;
  knownKeys(where, own, kindKeys);
  const builtIn: KindOptions = Object.entries(defaults.kinds).find(([kind]) => kind === name)?.[1] ?? {};
  const given = { ...defaults.kind, ...builtIn, ...base, ...own };
  const absolute = milliseconds(given.absolute, `${where}.absolute`, 1);
  const wanted = milliseconds(given.idle, `${where}.idle`, 1);
  const idle = own.idle === undefined ? Math.min(wanted, absolute) : wanted;
  const touchInterval = milliseconds(given.touchInterval ?? touchIntervalFor(idle), `${where}.touchInterval`, 1);
  if (typeof given.persistent !== 'boolean') throw invalid(`${where}.persistent: use true or false.`);
  if (given.rotateEvery === 'never' && name !== 'anonymous') {
    throw invalid(`${where}.rotateEvery: 'never' is for visitors, use '1h'.`);
  }
  if (idle > absolute) {
    throw invalid(`${where}.idle: ${spell(idle)} is over absolute, ${spell(absolute)}. Shorten idle.`);
  }
  if (idle < leastTouches * touchInterval) {
    throw invalid(
      `${where}.idle: ${spell(idle)} is under ${leastTouches} touch intervals of ${spell(touchInterval)}. Lengthen idle.`,
    );
  }
  return {
    idle,
    absolute,
    rotateEvery: spanOrNever(given.rotateEvery, `${where}.rotateEvery`),
    rotateAfterAway: spanOrNever(given.rotateAfterAway, `${where}.rotateAfterAway`),
    touchInterval,
    persistent: given.persistent,
  };
}

function touchIntervalFor(idle: number): number {
  const longest = milliseconds(defaults.longestTouchInterval, 'touchInterval');
  return Math.max(1, Math.floor(Math.min(idle / defaults.touchesPerIdle, longest)));
}

function spanOrNever(value: Duration | 'never', option: string): number {
  return value === 'never' ? Number.POSITIVE_INFINITY : milliseconds(value, option, 1);
}

/** One that outlasts a rotation would let the first secret live as long as the session. */
function checkGrace(given: Duration, kinds: Readonly<Record<string, Kind>>): number {
  const grace = milliseconds(given, 'policy.grace', 1000);
  for (const [kind, { rotateEvery }] of Object.entries(kinds)) {
    if (grace < rotateEvery) continue;
    throw invalid(
      `policy.grace: ${spell(grace)} is not under policy.kinds.${kind}.rotateEvery, ${spell(rotateEvery)}. Shorten grace.`,
    );
  }
  return grace;
}

/** While it waits, a sign-in is a visitor's session. The default gives way to a shorter life of theirs. */
function checkPendingFor(given: Duration, asked: boolean, longest: number): number {
  const span = milliseconds(given, 'policy.pendingFor', 1);
  if (span <= longest) return span;
  if (!asked) return longest;
  throw invalid(
    `policy.pendingFor: ${spell(span)} is over policy.kinds.anonymous.absolute, ${spell(longest)}. Shorten pendingFor.`,
  );
}

/** A policy by name or by options, whole and checked. Throws `option_invalid` with the fix. */
export function checkPolicy(given: PolicyName | PolicyOptions = 'default'): Policy {
  const options = typeof given === 'string' ? { extends: given } : given;
  const misplaced = kindKeys.find((key) => Object.hasOwn(Object(options), key));
  if (misplaced) throw invalid(`policy.${misplaced} is no option: use policy.kinds.standard.${misplaced}.`);
  knownKeys('policy', options, [...Object.keys(defaults.policy), 'kinds', 'extends']);
  const { extends: name = 'default', kinds: ownKinds, ...own } = options;
  oneOf('policy', name, policyNames);
  const { kinds: baseKinds, ...base } = named[name];
  const all = { ...defaults.policy, ...base, ...own };
  // Without a prototype: a kind called `constructor` is none.
  const kinds: Record<string, Kind> = Object.create(null);
  for (const kind of new Set([...Object.keys(defaults.kinds), ...Object.keys(ownKinds ?? {})])) {
    kinds[kind] = checkKind(kind, baseKinds?.[kind] ?? {}, ownKinds?.[kind] ?? {});
  }
  const handover: Record<string, Handover> = all.handover;
  for (const [key, rule] of Object.entries(handover)) {
    if (typeof rule !== 'function') oneOf(`policy.handover.${key}`, rule, ['keep', 'merge', 'drop']);
  }
  return {
    name: ownKinds || Object.keys(own).length > 0 ? `${name}, changed` : name,
    kinds,
    grace: checkGrace(all.grace, kinds),
    limit: all.limit === 'none' ? Number.POSITIVE_INFINITY : whole('policy.limit', all.limit),
    onLimit: oneOf('policy.onLimit', all.onLimit, ['refuse', 'end-oldest', 'end-idlest']),
    onReuse: oneOf('policy.onReuse', all.onReuse, ['terminate', 'step-up']),
    anonymous: oneOf('policy.anonymous', all.anonymous, ['lazy', 'eager', 'off']),
    mostAnonymous: whole('policy.mostAnonymous', all.mostAnonymous),
    anonymousPerMinute: whole('policy.anonymousPerMinute', all.anonymousPerMinute),
    dataBytes: whole('policy.dataBytes', all.dataBytes, 2),
    anonymousDataBytes: whole('policy.anonymousDataBytes', all.anonymousDataBytes, 2),
    pendingFor: checkPendingFor(all.pendingFor, own.pendingFor !== undefined, kindOf({ kinds }, 'anonymous').absolute),
    impersonateFor: milliseconds(all.impersonateFor, 'policy.impersonateFor', 1),
    handover,
    formToken: oneOf('policy.formToken', all.formToken, ['off', 'required']),
  };
}
