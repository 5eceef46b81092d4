import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isTerminal } from '../../src/lifecycle/events.ts';
import type { Store } from '../../src/lifecycle/ports.ts';
import { memory } from '../../src/stores/memory.ts';
import { sqlite } from '../../src/stores/sqlite/sqlite.ts';
import type { TestClock } from '../../src/testing/clock.ts';
import { seededRandom } from '../../src/testing/random.ts';
import { Lab } from '../lab.ts';
import { temporary } from '../temporary.ts';
import { commands, type Engine, Real } from './commands.ts';
import { Model, policy } from './model.ts';

const options = { policy: { limit: policy.limit, handover: { n: 'keep' } } } as const;

/** After every command the store holds what the model says, no more and no less. */
async function compare(model: Model, { lab, tokens }: Real): Promise<void> {
  const { records } = await lab.store.page(null, 10_000);
  const known = [...model.sessions.values()].filter(({ id }) => !model.forgotten.has(id));
  assert.deepEqual(records.map(({ id }) => id).sort(), known.map(({ id }) => id).sort());
  for (const record of records) {
    const session = model.sessions.get(record.id);
    assert.ok(session);
    const told = {
      subject: record.subject,
      ending: record.ending?.reason ?? null,
      permissions: [...record.permissions].sort(),
      grants: [...(record.grants ?? [])].sort(),
      n: JSON.parse(record.data).n ?? null,
      lastSeenAt: record.lastSeenAt,
      expiresAt: record.expiresAt,
      rotatedAt: record.rotatedAt,
    };
    assert.deepEqual(told, {
      subject: session.subject,
      ending: session.ended?.reason ?? null,
      permissions: [...session.permissions].sort(),
      grants: [...session.grants].sort(),
      n: session.n,
      lastSeenAt: session.seen,
      expiresAt: session.expiresAt,
      rotatedAt: session.rotatedAt,
    });
  }
  await guarantees(model, lab, tokens);
}

async function guarantees(model: Model, lab: Lab, tokens: readonly string[]): Promise<void> {
  const { records } = await lab.store.page(null, 10_000);
  const events = await lab.events();
  const text = JSON.stringify([records, events]);
  for (const token of tokens) assert.ok(!text.includes(token.split('.')[1] ?? '-'), 'G1 G15: a secret is in the store');
  for (const subject of ['u1', 'u2']) {
    const { live } = await lab.sessions.list(subject);
    assert.ok(live.length <= policy.limit, 'G9');
    for (const { idleUntil, expiresAt } of live) assert.ok(model.now < idleUntil && model.now < expiresAt, 'G6');
    assert.equal((await lab.store.subject(subject)).changedAt, model.subject(subject).changedAt);
    assert.equal((await lab.store.subject(subject)).disabled, model.subject(subject).disabled);
    if (model.subject(subject).disabled) assert.deepEqual(live, [], 'G10');
  }
  for (const session of model.sessions.values()) {
    const terminal = events.filter((event) => event.sessionId === session.id && isTerminal(event));
    assert.deepEqual(
      terminal.map(({ reason }) => reason),
      session.ended ? [session.ended.reason] : [],
      'G3 G11: one terminal event of an ended session, none of a live one',
    );
    if (session.ended) assert.equal(terminal[0]?.at, session.ended.at);
  }
}

async function check(engine: Engine, runs: number): Promise<void> {
  // A process that starts again does not draw the same ids again.
  const random = seededRandom(20_261_122);
  const make = (store: Store, clock: TestClock): Lab => new Lab({ ...options, clock, random, engine: () => store });
  const property = fc.asyncProperty(fc.commands(commands(compare), { maxCommands: 60, size: 'max' }), async (all) => {
    const real = new Real(engine, make);
    try {
      await fc.asyncModelRun(() => ({ model: new Model(real.lab.clock.now()), real }), all);
    } finally {
      await real.lab.sessions.close();
    }
  });
  await fc.assert(property, { numRuns: runs, seed: 20_261_122 });
}

test('G1–G11: the library and the model agree after every command of any life [memory]', async () => {
  await check((now) => ({ store: memory({ now }), reopen: async (store) => store }), 2000);
});

test('G1–G11: the library and the model agree after every command of any life [sqlite]', async () => {
  await check((now) => {
    const path = temporary('sessions.db');
    const reopen = async (store: Store): Promise<Store> => {
      await store.close();
      return sqlite(path, { now });
    };
    return { store: sqlite(path, { now }), reopen };
  }, 25);
});
