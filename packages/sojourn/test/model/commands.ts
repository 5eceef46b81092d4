import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SojournError } from '../../src/lifecycle/errors.ts';
import type { Store } from '../../src/lifecycle/ports.ts';
import type { Session } from '../../src/session.ts';
import { TestClock } from '../../src/testing/clock.ts';
import type { Browser, Data, Lab, Permission } from '../lab.ts';
import { type Model, type ModelSession, policy, type Verdict } from './model.ts';

/** The library under the model: browsers, and every token that was ever handed out. */
export class Real {
  readonly #make: (store: Store, clock: TestClock) => Lab;
  readonly #reopen: (store: Store) => Promise<Store>;
  #clock = new TestClock();
  lab: Lab;
  browsers: Browser[];
  readonly tokens: string[] = [];

  constructor(engine: Engine, make: (store: Store, clock: TestClock) => Lab) {
    const { store, reopen } = engine(() => this.#clock.now());
    this.#make = make;
    this.#reopen = reopen;
    this.lab = make(store, this.#clock);
    this.browsers = [0, 1, 2].map(() => this.lab.browser());
  }

  /** The process is killed; what the store had acknowledged is there when it starts again. */
  async crash(): Promise<void> {
    const store = await this.#reopen(this.lab.store);
    // What the killed process had waiting on its clock never happens.
    this.#clock = new TestClock(this.#clock.now());
    this.lab = this.#make(store, this.#clock);
    this.browsers = this.browsers.map(({ token }) => {
      const browser = this.lab.browser();
      browser.token = token;
      return browser;
    });
  }

  browser(index: number): Browser {
    const browser = this.browsers[index];
    if (browser === undefined) throw new Error('no such browser');
    return browser;
  }
}

/** A store on a clock, and what is left of it after its process was killed. */
export type Engine = (now: () => number) => { store: Store; reopen: (store: Store) => Promise<Store> };

type Command = fc.AsyncCommand<Model, Real>;

/** Every command begins a millisecond after the last, so that "before" and "after" are never the same moment. */
function tick(model: Model, real: Real, duration = 1): void {
  model.now += duration;
  real.lab.clock.advance(duration);
}

interface Visit {
  readonly session: Session<Data, Permission>;
  readonly verdict: Verdict;
}

/** A request of a browser, or of who holds a copy of an old token; checks its outcome against the model's. */
async function visit(model: Model, real: Real, browser: Browser, token = browser.token): Promise<Visit> {
  const handed = browser.handed.length;
  const verdict = model.present(token);
  const session = await browser.visit({ token });
  assert.equal(session.state === 'none' ? 'refused' : 'admitted', verdict.is);
  if (verdict.is === 'refused') {
    if (token !== null) assert.equal(session.refused?.code, verdict.code);
    assert.equal(browser.handed.length, handed, 'a refused token was handed something');
    return { session, verdict };
  }
  assert.equal(session.id, verdict.session.id);
  assert.deepEqual([...session.permissions].sort(), [...verdict.permissions].sort());
  assert.equal(session.data.n ?? null, verdict.session.n);
  const offers =
    token === verdict.session.current && (verdict.session.successor !== null || model.rotationDue(verdict.session));
  assert.equal(browser.handed.length - handed, offers ? 1 : 0);
  if (offers) offered(model, real, verdict.session, browser);
  return { session, verdict };
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

async function refusedWith(attempt: Promise<unknown>): Promise<string | null> {
  try {
    await attempt;
    return null;
  } catch (error) {
    if (error instanceof SojournError) return error.code;
    throw error;
  }
}

class Act implements Command {
  readonly #name: string;
  readonly #run: (model: Model, real: Real) => Promise<void>;
  readonly #then: (model: Model, real: Real) => Promise<void>;

  constructor(
    name: string,
    run: (model: Model, real: Real) => Promise<void>,
    then: (model: Model, real: Real) => Promise<void>,
  ) {
    this.#name = name;
    this.#run = run;
    this.#then = then;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    tick(model, real);
    await this.#run(model, real);
    await this.#then(model, real);
  }

  toString(): string {
    return this.#name;
  }
}

const subjects = ['u1', 'u2'];
const permissionSets: readonly (readonly Permission[])[] = [[], ['read'], ['read', 'write'], ['write', 'admin']];
const spans = [
  1000,
  29_000,
  31_000,
  59_000,
  61_000,
  20 * 60_000,
  31 * 60_000,
  61 * 60_000,
  7 * 3_600_000,
  25 * 3_600_000,
];

/** The commands of a run, with what is compared after each of them. */
export function commands(compare: (model: Model, real: Real) => Promise<void>): fc.Arbitrary<Command>[] {
  const who = fc.nat(2);
  const whom = fc.constantFrom(...subjects);
  const act = (name: string, run: (model: Model, real: Real) => Promise<void>): Command => new Act(name, run, compare);
  return [
    who.map((i) => act(`visit ${i}`, async (m, r) => void (await visit(m, r, r.browser(i))))),
    fc.tuple(who, fc.nat(1000)).map(([i, k]) =>
      act(`replay ${i} ${k}`, async (m, r) => {
        const token = r.tokens[k % Math.max(1, r.tokens.length)];
        if (token !== undefined) await visit(m, r, r.browser(i).copy(), token);
      }),
    ),
    who.map((i) => act(`write ${i}`, (m, r) => write(m, r, r.browser(i)))),
    fc
      .tuple(who, whom, fc.constantFrom(...permissionSets))
      .map(([i, subject, given]) =>
        act(`sign in ${i} as ${subject}`, (m, r) => signIn(m, r, r.browser(i), subject, given)),
      ),
    who.map((i) => act(`rotate ${i}`, (m, r) => rotate(m, r, r.browser(i)))),
    who.map((i) => act(`step up ${i}`, (m, r) => stepUp(m, r, r.browser(i)))),
    fc
      .tuple(whom, fc.constantFrom(...permissionSets))
      .map(([subject, given]) =>
        act(`permissions of ${subject}: ${given.join(' ')}`, (m, r) => setPermissions(m, r, subject, given)),
      ),
    who.map((i) => act(`sign out ${i}`, (m, r) => signOut(m, r, r.browser(i)))),
    whom.map((subject) => act(`end all of ${subject}`, (m, r) => endAll(m, r, subject, 'revoked'))),
    whom.map((subject) => act(`disable ${subject}`, (m, r) => endAll(m, r, subject, 'account_disabled'))),
    whom.map((subject) =>
      act(`enable ${subject}`, async (m, r) => {
        await r.lab.sessions.enable(subject);
        m.subject(subject).disabled = false;
        m.subject(subject).changedAt = m.now;
      }),
    ),
    fc.constantFrom(...spans).map((span) =>
      act(`advance ${span}`, async (m, r) => {
        tick(m, r, span);
        m.flush();
        await r.lab.store.note([]);
      }),
    ),
    fc.constant(
      act('sweep', async (m, r) => {
        for (let done = 1; done > 0; ) {
          const { expired, removed } = await r.lab.sessions.sweep({ most: 2 });
          done = expired + removed;
        }
        m.sweep();
      }),
    ),
    fc.constant(
      act('crash', async (m, r) => {
        await r.crash();
        m.crash();
      }),
    ),
  ];
}

async function write(model: Model, real: Real, browser: Browser): Promise<void> {
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
  assert.equal(await refusedWith(attempt), straggler ? verdict.code : null);
  if (!straggler) model.create({ ...newToken(real, browser), subject: null, permissions: [], n: 1 });
}

async function signIn(
  model: Model,
  real: Real,
  browser: Browser,
  subject: string,
  given: readonly Permission[],
): Promise<void> {
  const { session, verdict } = await visit(model, real, browser);
  const account = model.subject(subject);
  const code = await refusedWith(session.signIn(subject, { permissions: given }));
  const refused = account.disabled || account.changedAt >= model.now;
  assert.equal(code, refused ? 'subject_changed' : null);
  if (refused) return;
  const from = verdict.is === 'admitted' ? verdict.session : takenOver(model, verdict, subject);
  const kept = account.kept && model.now < account.kept.until ? account.kept.n : null;
  account.kept = null;
  const n = from?.subject === subject ? from.n : from?.subject === null ? (from.n ?? kept) : kept;
  const { id, current } = newToken(real, browser);
  const others = model.liveOf(subject).filter((other) => other !== from);
  for (const other of others.filter((one) => !model.isLive(one))) model.endExpired(other);
  const counted = others.filter((other) => other.ended === null).sort((a, b) => a.createdAt - b.createdAt);
  for (const oldest of counted.slice(0, Math.max(0, counted.length + 1 - policy.limit)))
    model.end(oldest, 'limit_reached');
  if (from) model.end(from, 'replaced', id);
  model.create({ id, current, subject, permissions: [...given], n });
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

async function rotate(model: Model, real: Real, browser: Browser): Promise<void> {
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

async function stepUp(model: Model, real: Real, browser: Browser): Promise<void> {
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

async function setPermissions(model: Model, real: Real, subject: string, given: readonly Permission[]): Promise<void> {
  await real.lab.sessions.setPermissions(subject, given);
  model.subject(subject).changedAt = model.now;
  for (const session of model.liveOf(subject)) {
    session.grants = given.filter((name) => !session.permissions.includes(name));
    session.permissions = session.permissions.filter((name) => given.some((one) => one === name));
  }
}

async function signOut(model: Model, real: Real, browser: Browser): Promise<void> {
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

async function endAll(
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
