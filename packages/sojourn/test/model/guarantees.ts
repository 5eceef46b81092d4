import assert from 'node:assert/strict';
import { isTerminal } from '../../src/lifecycle/events.ts';
import { type Model, policy } from './model.ts';
import type { Real } from './real.ts';

/** After every command the store holds what the model says, no more and no less. */
export async function compare(model: Model, real: Real): Promise<void> {
  const { records } = await real.lab.store.page(null, 10_000);
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
  await guarantees(model, real);
  for (const [id, { aborted }] of real.signals) {
    assert.equal(
      aborted,
      model.sessions.get(id)?.ended !== null,
      'G12: who waits learns of the end, and of nothing else',
    );
  }
}

async function guarantees(model: Model, { lab, tokens }: Real): Promise<void> {
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
  assert.ok(model.visitors <= policy.mostAnonymous, 'G14');
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
