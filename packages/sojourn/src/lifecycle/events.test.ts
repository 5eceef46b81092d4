import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lab } from '../../test/lab.ts';
import { eventOf, isTerminal, type SessionEvent, terminalEvent } from './events.ts';
import type { SessionRecord } from './session.ts';

async function recordOf(lab: Lab, id: string): Promise<SessionRecord> {
  const record = await lab.store.find(id);
  assert.ok(record);
  return record;
}

test('a life is told in the words of its stages, from created to terminated', async () => {
  const lab = new Lab();
  const browser = lab.browser();
  const visitor = await browser.visit();
  await visitor.update((draft) => {
    draft.n = 1;
  });
  const first = visitor.id;
  await (await browser.visit()).signIn('u1', { checkedAt: lab.clock.now() + 1 });
  const session = await browser.signedIn();
  await session.rotate();
  await browser.signedIn();
  await (await browser.signedIn()).stepUp({ factor: 'totp' });
  await lab.sessions.setPermissions('u1', ['read']);
  await (await browser.signedIn()).terminate();
  assert.deepEqual(await lab.told(first), ['created', 'terminated']);
  assert.deepEqual(await lab.told(session.id), [
    'signed_in',
    'rotated',
    'stepped_up',
    'permissions_changed',
    'terminated',
  ]);
});

test('an event says when, of whom, of which session and of which kind, and no secret', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('u1', { remember: true });
  const { id } = await browser.signedIn();
  assert.deepEqual(await lab.events(), [
    { type: 'signed_in', at: lab.clock.now(), sessionId: id, subject: 'u1', kind: 'remembered' },
  ]);
});

test('a terminal event tells what its tombstone no longer does, for the subject’s own history', async () => {
  const lab = new Lab();
  const device = { label: 'Firefox on Linux', userAgent: 'x', address: '192.0.2.0/24', addedAt: 5 };
  const browser = await lab.signedIn('u1', { device });
  const { id, createdAt } = await browser.signedIn();
  lab.clock.advance('5m');
  await browser.visit();
  await lab.settle();
  await lab.sessions.terminate(id, { reason: 'administrator', by: 'root' });
  assert.deepEqual((await lab.events()).at(-1), {
    type: 'terminated',
    at: lab.clock.now(),
    sessionId: id,
    subject: 'u1',
    kind: 'standard',
    reason: 'administrator',
    by: 'root',
    device,
    createdAt,
    lastSeenAt: createdAt + 5 * 60_000,
  });
});

test('an event of an impersonation names who acts, one of a replaced session where it goes on (S-36)', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn('support');
  const own = (await browser.signedIn()).id;
  await (await browser.signedIn()).impersonate('u2', { reason: 'ticket 7' });
  const { id } = await browser.signedIn();
  const [began] = (await lab.events()).filter(({ sessionId }) => sessionId === id);
  assert.deepEqual([began?.type, began?.subject, began?.actor], ['signed_in', 'u2', 'support']);
  const ended = (await lab.events()).find((event) => event.sessionId === own && isTerminal(event));
  assert.deepEqual([ended?.reason, ended?.replacedBy, ended?.by, ended?.actor], ['replaced', id, 'support', undefined]);
});

test('expiry is an event of its own, by the clock', async () => {
  const lab = new Lab();
  const browser = await lab.signedIn();
  lab.clock.advance('30m');
  await browser.refusal();
  const last = (await lab.events()).at(-1);
  assert.deepEqual([last?.type, last?.reason, last?.by], ['expired', 'session_expired_idle', 'clock']);
});

test('two types of event are terminal and no other', () => {
  const types = ['created', 'signed_in', 'rotated', 'stepped_up', 'permissions_changed', 'reuse_detected', 'noticed'];
  const event: SessionEvent = { type: 'expired', at: 0, sessionId: 's', subject: null, kind: 'standard' };
  assert.equal(isTerminal(event), true);
  assert.equal(isTerminal({ ...event, type: 'terminated' }), true);
  for (const type of types) {
    assert.equal(isTerminal({ ...event, type: JSON.parse(JSON.stringify(type)) }), false, type);
  }
});

test('an engine that asks for the terminal event of a live session is told its mistake', async () => {
  const lab = new Lab();
  const live = await recordOf(lab, (await (await lab.signedIn()).signedIn()).id);
  assert.throws(() => terminalEvent(live), /has not ended/);
  assert.equal(eventOf('rotated', live, 5, { count: 2 }).count, 2);
});
