import assert from 'node:assert/strict';
import { SojournError } from '../../src/lifecycle/errors.ts';
import type { Session } from '../../src/session.ts';
import type { Browser, Data, Permission } from '../lab.ts';
import { type Model, type ModelSession, policy, type Verdict } from './model.ts';
import type { Real } from './real.ts';

interface Visit {
  readonly session: Session<Data, Permission>;
  readonly verdict: Verdict;
}

interface Sent {
  /** Default: the browser's own. */
  readonly token?: string | null;
  /** The token is a copy of somebody else's. */
  readonly copied?: boolean;
  /** The answer does not arrive. */
  readonly lost?: boolean;
}

/** A request of a browser, or of who holds a copy of an old token; checks its outcome against the model's. */
export async function visit(
  model: Model,
  real: Real,
  browser: Browser,
  { token = browser.token, copied = false, lost = false }: Sent = {},
): Promise<Visit> {
  const handed = browser.handed.length;
  const writes = (): number => real.between.count('create') + real.between.count('update');
  const written = writes();
  const whose = token === null ? null : model.find(token)?.session;
  if (copied && whose) whose.copied = true;
  const verdict = model.present(token);
  const session = await browser.visit({ token, lost });
  assert.equal(session.state === 'none' ? 'refused' : 'admitted', verdict.is);
  if (token === null) assert.equal(writes(), written, 'G14: reading wrote');
  if (verdict.is === 'refused') {
    if (token !== null) assert.equal(session.refused?.code, verdict.code);
    assert.equal(browser.handed.length, handed, 'a refused token was handed something');
    const blamed = verdict.code === 'rotation_lost' || verdict.code === 'reuse_detected';
    assert.ok(!blamed || whose?.copied, 'G13: an honest client was signed out');
    return { session, verdict };
  }
  checkAdmitted(session, verdict);
  const offers =
    token === verdict.session.current && (verdict.session.successor !== null || model.rotationDue(verdict.session));
  assert.equal(browser.handed.length - handed, offers ? 1 : 0);
  if (offers) offered(model, real, verdict.session, browser);
  return { session, verdict };
}

function checkAdmitted(session: Visit['session'], verdict: Extract<Verdict, { is: 'admitted' }>): void {
  assert.equal(session.id, verdict.session.id);
  assert.deepEqual([...session.permissions].sort(), [...verdict.permissions].sort());
  assert.equal(session.data.n ?? null, verdict.session.n);
}

function offered(model: Model, real: Real, session: ModelSession, browser: Browser): void {
  const token = browser.handed.at(-1) ?? '';
  if (session.successor === null) {
    real.tokens.push(token);
    model.wrote(session);
  }
  session.successor ??= token;
  assert.equal(token, session.successor, 'one successor, the same for everybody');
}

/** A new token that an answer carried, for a session whose id is its first half. */
function newToken(real: Real, browser: Browser): { id: string; current: string } {
  const current = browser.token ?? '';
  real.tokens.push(current);
  return { id: current.split('.')[0] ?? '', current };
}

export async function refusedWith(attempt: Promise<unknown>): Promise<string | null> {
  try {
    await attempt;
    return null;
  } catch (error) {
    if (error instanceof SojournError) return error.code;
    throw error;
  }
}

export async function write(model: Model, real: Real, browser: Browser): Promise<void> {
  const { session, verdict } = await visit(model, real, browser);
  const attempt = session.update((draft) => {
    draft.n = (draft.n ?? 0) + 1;
  });
  if (verdict.is === 'admitted') {
    await attempt;
    verdict.session.n = (verdict.session.n ?? 0) + 1;
    model.wrote(verdict.session);
    return;
  }
  const straggler =
    verdict.at !== null && !verdict.code.startsWith('session_expired') && model.now - verdict.at < policy.grace;
  const refused = straggler ? verdict.code : model.visitors >= policy.mostAnonymous ? 'anonymous_refused' : null;
  assert.equal(await refusedWith(attempt), refused);
  if (refused === null) model.create({ ...newToken(real, browser), subject: null, permissions: [], n: 1 });
}

export async function signIn(
  model: Model,
  real: Real,
  browser: Browser,
  subject: string,
  given: readonly Permission[],
): Promise<void> {
  const { session, verdict } = await visit(model, real, browser);
  const code = await refusedWith(session.signIn(subject, { permissions: given }));
  const refused = model.refusesSignIn(subject);
  assert.equal(code, refused ? 'subject_changed' : null);
  if (!refused) signedIn(model, verdict, { ...newToken(real, browser), subject, permissions: [...given] });
}

/** What a sign-in leaves: the session it was made from handed over, and the oldest over the limit ended. */
export function signedIn(
  model: Model,
  verdict: Verdict,
  given: Pick<ModelSession, 'id' | 'current' | 'permissions'> & { readonly subject: string },
): void {
  const { id, subject } = given;
  const account = model.subject(subject);
  const from = verdict.is === 'admitted' ? verdict.session : takenOver(model, verdict, subject);
  const kept = account.kept && model.now < account.kept.until ? account.kept.n : null;
  account.kept = null;
  const n = from?.subject === subject ? from.n : from?.subject === null ? (from.n ?? kept) : kept;
  const others = model.liveOf(subject).filter((other) => other !== from);
  for (const other of others.filter((one) => !model.isLive(one))) model.endExpired(other);
  const counted = others.filter((other) => other.ended === null).sort((a, b) => a.createdAt - b.createdAt);
  for (const oldest of counted.slice(0, Math.max(0, counted.length + 1 - policy.limit)))
    model.end(oldest, 'limit_reached');
  if (from) model.end(from, 'replaced', id);
  model.create({ ...given, n });
}

/** A sign-in whose token was replaced moments ago by a session of the same subject takes that one's place. */
function takenOver(model: Model, verdict: Verdict, subject: string): ModelSession | null {
  let at = verdict.session;
  while (at?.ended?.replacedBy && model.now - at.ended.at <= policy.grace) {
    const next = model.sessions.get(at.ended.replacedBy);
    if (next?.subject !== subject) return null;
    if (model.isLive(next)) return next;
    at = next;
  }
  return null;
}

export async function rotate(model: Model, real: Real, browser: Browser): Promise<void> {
  const presented = browser.token;
  const { session, verdict } = await visit(model, real, browser);
  if (session.state === 'none' || verdict.is === 'refused') return;
  const handed = browser.handed.length;
  await session.rotate();
  const current = presented === verdict.session.current;
  assert.equal(browser.handed.length - handed, current ? 1 : 0);
  if (!current) return;
  offered(model, real, verdict.session, browser);
}

export async function stepUp(model: Model, real: Real, browser: Browser): Promise<void> {
  const { session, verdict } = await visit(model, real, browser);
  if (session.state !== 'signed-in' || verdict.is === 'refused') return;
  await session.stepUp({ factor: 'totp' });
  const { session: now } = verdict;
  const dead = (token: string): ModelSession['retired'][number] => ({ token, until: 0, replaced: true, lacks: [] });
  now.retired.unshift(dead(now.current), ...(now.successor === null ? [] : [dead(now.successor)]));
  now.successor = null;
  now.current = newToken(real, browser).current;
  now.rotatedAt = model.now;
  now.permissions = [...now.permissions, ...now.grants];
  now.grants = [];
  model.wrote(now);
}

export async function setPermissions(
  model: Model,
  real: Real,
  subject: string,
  given: readonly Permission[],
): Promise<void> {
  await real.lab.sessions.setPermissions(subject, given);
  model.subject(subject).changedAt = model.now;
  for (const session of model.liveOf(subject)) {
    session.grants = given.filter((name) => !session.permissions.includes(name));
    session.permissions = session.permissions.filter((name) => given.some((one) => one === name));
  }
}

export async function signOut(model: Model, real: Real, browser: Browser): Promise<void> {
  const { session, verdict } = await visit(model, real, browser);
  const attempt = session.terminate();
  if (verdict.is === 'admitted') {
    assert.equal(await attempt, true);
    assert.equal(browser.token, null);
    model.end(verdict.session, 'signed_out');
    return;
  }
  const replaced = verdict.code === 'token_replaced';
  assert.equal(await refusedWith(attempt), replaced ? 'token_replaced' : null);
}

export async function endAll(
  model: Model,
  real: Real,
  subject: string,
  reason: 'revoked' | 'account_disabled',
): Promise<void> {
  if (reason === 'revoked') await real.lab.sessions.terminateAll(subject);
  else await real.lab.sessions.disable(subject);
  const account = model.subject(subject);
  account.changedAt = model.now;
  if (reason === 'account_disabled') account.disabled = true;
  for (const session of model.liveOf(subject)) {
    if (model.isLive(session)) model.end(session, reason);
    else model.endExpired(session);
  }
}
