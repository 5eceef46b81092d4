import type { SignInOptions } from '../lifecycle/create.ts';
import type { Store } from '../lifecycle/ports.ts';
import type { Carrier, Session } from '../session.ts';
import { createSessions, type Sessions } from '../sessions.ts';
import type { SessionsOptions } from '../settings.ts';
import { memory } from '../stores/memory.ts';
import { makeCookie } from '../transports/cookie.ts';
import { TestClock } from './clock.ts';
import { seededRandom } from './random.ts';

export { TestClock } from './clock.ts';
export { seededRandom } from './random.ts';

export interface TestOptions extends Partial<Omit<SessionsOptions, 'clock' | 'random'>> {
  /** Of ids and secrets. Default 1. */
  readonly seed?: number;
}

/** A browser that has signed in: what it sends with each request. */
export interface SignedInBrowser {
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TestSessions<D, P extends string> {
  readonly sessions: Sessions<D, P>;
  readonly store: Store;
  /** `clock.advance('31m')` expires what is left alone. */
  readonly clock: TestClock;
  /** Signs a subject in without a form and answers the headers of its browser. */
  as(subject: string, options?: SignInOptions<P>): Promise<SignedInBrowser>;
}

/**
 * Sessions for an application's own tests: in memory, with a clock to advance and seeded randomness.
 * Build the application with `sessions`, and send its routes the headers of `as()`.
 */
export function testSessions<D extends object = Record<string, unknown>, P extends string = string>(
  options: TestOptions = {},
): TestSessions<D, P> {
  const { seed = 1, ...given } = options;
  const clock = new TestClock();
  const store = given.store ?? memory({ now: clock.now });
  const sessions = createSessions<D, P>({
    origin: 'https://app.test',
    ...given,
    store,
    clock,
    random: seededRandom(seed),
  });
  return { sessions, store, clock, as: (subject, signIn) => signedInAs(sessions, subject, signIn) };
}

async function signedInAs<D, P extends string>(
  sessions: Sessions<D, P>,
  subject: string,
  options?: SignInOptions<P>,
): Promise<SignedInBrowser> {
  const { site, cookie } = sessions.transport;
  const origin = site.origin ?? 'http://localhost';
  const url = new URL(origin);
  let token = '';
  const carrier: Carrier = {
    begin: () => () => {},
    issue: (issued) => {
      token = issued.reveal();
    },
    clear: () => {},
    device: () => undefined,
    body: () => Promise.reject(new Error('no body')),
    address: null,
  };
  const session: Session<D, P> = await sessions.track(null, { carrier });
  // The credentials were read after whatever the test did to the account before.
  await session.signIn(subject, { checkedAt: Number.MAX_SAFE_INTEGER, ...options });
  const { name } = makeCookie(cookie, site.secure, url.port || (site.secure ? '443' : '80'));
  return {
    id: session.id ?? '',
    headers: { host: url.host, origin, 'sec-fetch-site': 'same-origin', cookie: `${name}=${token}` },
  };
}
