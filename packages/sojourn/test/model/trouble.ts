import assert from 'node:assert/strict';
import type { Browser } from '../lab.ts';
import type { Stage } from '../processes/protocol.ts';
import type { Model } from './model.ts';
import type { Real } from './real.ts';
import { refusedWith, signedIn, visit } from './requests.ts';

/* What goes wrong around requests: outages, kills, ends while somebody waits or a request is under way. */

/** The store fails for a while: all is unknown, nobody a visitor, and nothing changes. */
export async function outage(_model: Model, real: Real, subject: string): Promise<void> {
  const { sessions } = real.lab;
  const before = real.browsers.map(({ token }) => token);
  const fresh = await real.lab.browser().visit();
  real.between.failing = () => true;
  const attempts = [
    ...real.browsers.filter(({ token }) => token !== null).map((browser) => () => browser.visit()),
    ...real.held.flatMap(({ session }) => [() => session.assertLive(), () => session.terminate()]),
    () => fresh.signIn(subject),
    () =>
      fresh.update((draft) => {
        draft.n = 1;
      }),
    () => sessions.terminateAll(subject),
    () => sessions.disable(subject),
    () => sessions.enable(subject),
    () => sessions.setPermissions(subject, ['admin']),
  ];
  for (const attempt of attempts) assert.equal(await refusedWith(attempt()), 'store_unavailable', 'G8');
  real.between.failing = () => false;
  assert.deepEqual(
    real.browsers.map(({ token }) => token),
    before,
    'G8: an outage signed somebody out',
  );
}

/** Runs a request whose process is killed at its write; answers what the client was told. */
async function killedIn(model: Model, real: Real, at: Stage, request: () => Promise<void>): Promise<string | null> {
  real.dieAt(at);
  const told = await refusedWith(request());
  await real.crash();
  model.crash();
  if (at !== 'during') assert.equal(told, 'store_unavailable');
  return told;
}

/** A write whose process is killed. Acknowledged it is there; otherwise it is there or not, but whole. */
export async function killedInWrite(model: Model, real: Real, browser: Browser, at: Stage): Promise<void> {
  const { session, verdict } = await visit(model, real, browser);
  if (verdict.is === 'refused') return;
  const { session: of } = verdict;
  const n = (of.n ?? 0) + 1;
  const told = await killedIn(model, real, at, () =>
    session.update((draft) => {
      draft.n = n;
    }),
  );
  const record = await real.lab.store.find(of.id);
  const written = JSON.parse(record?.data ?? '{}').n === n;
  if (told === null || at === 'after') assert.ok(written, 'G5: an acknowledged write is lost');
  if (at === 'before') assert.ok(!written);
  if (!written) return;
  of.n = n;
  model.wrote(of);
}

/** A sign-in whose process is killed: all that belongs to it is there, or nothing. Its answer never came. */
export async function killedInSignIn(
  model: Model,
  real: Real,
  browser: Browser,
  { subject, at }: { readonly subject: string; readonly at: Stage },
): Promise<void> {
  const { session, verdict } = await visit(model, real, browser);
  const { token } = browser;
  const told = await killedIn(model, real, at, () => session.signIn(subject, { permissions: ['read'] }));
  const { records } = await real.lab.store.page(null, 10_000);
  const made = records.find(({ id }) => !model.sessions.has(id));
  if (at === 'before' || model.refusesSignIn(subject)) assert.equal(made, undefined);
  // Where the session had been replaced, the first write only finds out by which.
  else if (told === null || (at === 'after' && verdict.is === 'admitted')) assert.ok(made, 'G5: a sign-in is lost');
  if (made === undefined) return;
  const issued = browser.token === token ? `${made.id}.lost` : (browser.token ?? '');
  signedIn(model, verdict, { id: made.id, current: issued, subject, permissions: ['read'] });
}

/** Somebody waits for the end of a session. */
export async function wait(model: Model, real: Real, browser: Browser): Promise<void> {
  const { session, verdict } = await visit(model, real, browser);
  if (session.state === 'none' || verdict.is === 'refused') return;
  real.signals.set(verdict.session.id, session.signal);
  model.wait(verdict.session);
  await real.settle();
}

/** A request is admitted and goes on later. */
export async function hold(model: Model, real: Real, browser: Browser): Promise<void> {
  const token = browser.token ?? '';
  const { session, verdict } = await visit(model, real, browser);
  if (session.state !== 'signed-in' || verdict.is === 'refused') return;
  real.held.push({ session, of: verdict.session, token, since: model.now });
}

/** A request that was held goes on: it is looked at again, and writes. */
export async function resume(model: Model, real: Real, which: number): Promise<void> {
  const [held] = real.held.splice(which % Math.max(1, real.held.length), 1);
  if (held === undefined) return;
  const { session, of, token, since } = held;
  const refused = model.readmit(of, token, since);
  assert.equal(await refusedWith(session.assertLive()), refused, 'G17');
  const attempt = session.update((draft) => {
    draft.n = (draft.n ?? 0) + 1;
  });
  assert.equal(await refusedWith(attempt), refused, 'G3');
  if (refused !== null) return;
  of.n = (of.n ?? 0) + 1;
  of.seen = Math.max(of.seen, since);
}
