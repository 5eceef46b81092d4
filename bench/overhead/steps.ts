import { hash } from 'node:crypto';
import { createSessions } from 'sojourn';
import { withDeadline } from '../../packages/sojourn/src/lifecycle/deadline.ts';
import { expiryOf } from '../../packages/sojourn/src/lifecycle/expire.ts';
import { checkRequirement, unmet } from '../../packages/sojourn/src/lifecycle/permissions.ts';
import type { Store } from '../../packages/sojourn/src/lifecycle/ports.ts';
import { rotationDue, standingOf } from '../../packages/sojourn/src/lifecycle/rotate.ts';
import { isToken, sameDigest, splitToken } from '../../packages/sojourn/src/lifecycle/token.ts';
import { readCookie } from '../../packages/sojourn/src/transports/cookie.ts';
import { evidenceOf } from '../../packages/sojourn/src/transports/origin.ts';
import { tell } from '../process.ts';
import { processorTime } from '../processor-time.ts';
import { origin, permission, request } from '../route/people.ts';
import { stub } from './stub.ts';

/*
 * Each step of a look-up alone. The steps are not public, so they come from the library's source, by
 * path: the one place here that does not import it by name.
 */

export interface Step {
  readonly what: string;
  /** Nanoseconds a call, by round. */
  readonly rounds: readonly number[];
}

const calls = 200_000;
const rounds = 9;

const { store: bareStore, token } = stub();
const store: Store = bareStore;
const cookies = /Cookie: (.*)/.exec(request(`__Host-sojourn=${token}`))?.[1] ?? '';
const clock = { now: Date.now, elapsed: () => performance.now(), after: () => () => {} };
const watched = withDeadline(store, clock, 2000);
const sessions = createSessions({ store, origin, sweepEvery: 'never' });
const { policy } = sessions;
const presented = splitToken(token);
const record = await store.find('');
if (presented === null || record === null) throw new Error('The stub’s token is not one.');
const digest = hash('sha256', presented.secret, 'base64url');
const requirement = checkRequirement({ permission });
const now = Date.now();

const steps: Readonly<Record<string, () => unknown>> = {
  'nothing (the loop itself)': () => record,
  'find the cookie': () => readCookie(cookies, '__Host-sojourn'),
  'split the token': () => splitToken(token),
  'check its characters, where nothing is remembered': () => isToken(token),
  'SHA-256 of the secret': () => hash('sha256', presented.secret, 'base64url'),
  'compare the digests': () => sameDigest(record.secretHash, digest),
  'standing of the secret': () => standingOf(record, digest, now),
  'the clock': () => watched.now(),
  'find, through the deadline': () => watched.find(presented.id),
  'both limits': () => expiryOf(record, policy, now),
  'rotation due': () => rotationDue(record, policy, now),
  'same-origin evidence': () => evidenceOf(origin, [], undefined, 'same-origin'),
  'the rule': () => unmet(record, record.permissions, requirement, now),
  'sessions.track, all of the above but cookie, evidence and rule': () => sessions.track(token),
};

/** Where results go, so that none is computed for nothing. */
let sink: unknown;

function time(step: () => unknown): number {
  const before = processorTime();
  for (let i = 0; i < calls; i++) sink = step();
  return (processorTime() - before) / calls;
}

const measured = Object.entries(steps).map(([what, step]) => ({ what, step, rounds: [] as number[] }));
for (let round = -2; round < rounds; round++) {
  for (const { step, rounds: found } of measured) {
    const cost = time(step);
    if (round >= 0) found.push(cost);
  }
}
if (sink === undefined) throw new Error('Nothing was computed.');
tell(measured.map(({ what, rounds: found }): Step => ({ what, rounds: found })));
