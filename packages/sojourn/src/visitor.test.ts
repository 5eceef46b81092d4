import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Asked } from '../test/asked.ts';
import { Between } from '../test/between.ts';
import { code, Lab, type LabOptions } from '../test/lab.ts';
import type { Data } from './lifecycle/data.ts';
import { internalsOf } from './tracked-session.ts';

function write(draft: Data): void {
  draft['n'] = 1;
}

/** A first write from an address. */
async function visit(lab: Lab, address: string | null = null): Promise<string> {
  const asked = new Asked(address);
  await (await asked.track(lab)).update(write);
  return asked.token;
}

test('visitors of one address are bounded a minute, whoever else comes is not (R-042, S-15)', async () => {
  const lab = new Lab({ policy: { anonymousPerMinute: 2 } });
  await visit(lab, '2001:db8::1');
  await visit(lab, '2001:db8::2');
  await assert.rejects(visit(lab, '2001:db8::3'), /Too many new visitors from this address/);
  await visit(lab, '2001:db9::1');
  await visit(lab);
  // Nobody is kept from signing in, and who has a session goes on writing.
  const asked = new Asked('2001:db8::3');
  const session = await asked.track(lab);
  await session.signIn('u1', { checkedAt: lab.clock.now() + 1 });
  await session.update(write);
  assert.equal(lab.sessions.counts.anonymousRefused, 1);
  lab.clock.advance('1m');
  await visit(lab, '2001:db8::3');
});

test('where visitors have no sessions a write asks for a sign-in, and signing in works', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around, policy: { anonymous: 'off' } });
  const session = await new Asked().track(lab);
  await assert.rejects(session.update(write), /policy\.anonymous is off/);
  assert.deepEqual(between.calls, []);
  await session.signIn('u1', { checkedAt: lab.clock.now() + 1 });
  await session.update(write);
  assert.deepEqual(session.data, { n: 1 });
});

test('an eager visit begins a session once, without data', async () => {
  const lab = new Lab();
  const asked = new Asked();
  const session = await asked.track(lab);
  await internalsOf(session).begin();
  await internalsOf(session).begin();
  assert.deepEqual([session.state, session.data, asked.issued.length], ['anonymous', {}, 1]);
});

test('an eager visit over the bound goes on without a session; what else fails is told (G8, G14)', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around, policy: { mostAnonymous: 1 } });
  await visit(lab);
  const session = await new Asked().track(lab);
  await internalsOf(session).begin();
  assert.equal(session.state, 'none');
  between.failing = (name) => name === 'create';
  await assert.rejects(internalsOf(session).begin(), code('store_unavailable'));
});

test('who comes too late with a token that was just replaced or ended is made no visitor (S-42)', async () => {
  const lab = new Lab();
  const token = await visit(lab);
  await (await new Asked().track(lab, token)).signIn('u1', { checkedAt: lab.clock.now() + 1 });
  const straggler = new Asked();
  await assert.rejects((await straggler.track(lab, token)).update(write), code('token_replaced'));
  assert.deepEqual(straggler.issued, []);
  lab.clock.advance('30s');
  const late = new Asked();
  await (await late.track(lab, token)).update(write);
  assert.equal(late.issued.length, 1);
});

test('a visitor whose session expired begins anew at once', async () => {
  const lab = new Lab();
  const token = await visit(lab);
  lab.clock.advance('30m');
  const asked = new Asked();
  const session = await asked.track(lab, token);
  assert.equal(session.refused?.code, 'session_expired_idle');
  await session.update(write);
  assert.equal(session.state, 'anonymous');
  assert.equal(session.refused, null);
});

test('what a visitor may keep is theirs alone and never displaces a user’s (G14)', async () => {
  const options: LabOptions = { policy: { limit: 1, onLimit: 'end-oldest', mostAnonymous: 100 } };
  const lab = new Lab(options);
  const user = await lab.signedIn();
  const tokens = [await visit(lab), await visit(lab)];
  assert.notEqual(tokens[0], tokens[1]);
  assert.equal(await user.refusal(), null);
  for (const token of tokens) assert.deepEqual((await new Asked().track(lab, token)).data, { n: 1 });
});
