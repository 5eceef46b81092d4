import fc from 'fast-check';
import type { Permission } from '../lab.ts';
import type { Stage } from '../processes/protocol.ts';
import type { Model } from './model.ts';
import type { Real } from './real.ts';
import { endAll, rotate, setPermissions, signIn, signOut, stepUp, visit, write } from './requests.ts';
import { hold, killedInSignIn, killedInWrite, outage, resume, wait } from './trouble.ts';

type Command = fc.AsyncCommand<Model, Real>;

/** Every command begins a millisecond after the last, so that "before" and "after" are never the same moment. */
async function tick(model: Model, real: Real, duration = 1): Promise<void> {
  model.now += duration;
  real.lab.clock.advance(duration);
  if (model.look()) await real.settle();
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
    await tick(model, real);
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
  const stage = fc.constantFrom<Stage>('before', 'during', 'after');
  const whom = fc.constantFrom(...subjects);
  const act = (name: string, run: (model: Model, real: Real) => Promise<void>): Command => new Act(name, run, compare);
  return [
    who.map((i) => act(`visit ${i}`, async (m, r) => void (await visit(m, r, r.browser(i))))),
    who.map((i) =>
      act(`visit ${i}, answer lost`, async (m, r) => void (await visit(m, r, r.browser(i), { lost: true }))),
    ),
    fc.tuple(who, fc.nat(1000)).map(([i, k]) =>
      act(`replay ${i} ${k}`, async (m, r) => {
        const token = r.tokens[k % Math.max(1, r.tokens.length)];
        if (token !== undefined) await visit(m, r, r.browser(i).copy(), { token, copied: true });
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
        await tick(m, r, span);
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
    fc
      .tuple(who, stage)
      .map(([i, at]) => act(`killed ${at} a write of ${i}`, (m, r) => killedInWrite(m, r, r.browser(i), at))),
    fc
      .tuple(who, whom, stage)
      .map(([i, subject, at]) =>
        act(`killed ${at} a sign-in of ${i} as ${subject}`, (m, r) =>
          killedInSignIn(m, r, r.browser(i), { subject, at }),
        ),
      ),
    whom.map((subject) => act(`outage, with changes to ${subject}`, (m, r) => outage(m, r, subject))),
    who.map((i) => act(`wait on ${i}`, (m, r) => wait(m, r, r.browser(i)))),
    who.map((i) => act(`hold ${i}`, (m, r) => hold(m, r, r.browser(i)))),
    fc.nat(10).map((k) => act(`resume ${k}`, (m, r) => resume(m, r, k))),
  ];
}
