import assert from 'node:assert/strict';
import { type Answer, Visitor } from '../../../../test/visitor.ts';
import { isTerminal } from '../../src/lifecycle/events.ts';
import { sqlite } from '../../src/stores/sqlite/sqlite.ts';
import { Lab } from '../lab.ts';
import { temporary } from '../temporary.ts';
import { everyFramework, script } from './every-framework.ts';

/* What the engines promise, as it arrives at who asks over HTTP. */

/** The two halves of the token in a jar. */
function tokenOf({ jar }: Visitor): { id: string; secret: string } {
  const [, token = ''] = [...jar].find(([name]) => name.startsWith('sojourn-')) ?? [];
  const [id = '', secret = ''] = token.split('.');
  return { id, secret };
}

async function signedIn(visitor: Visitor, user = 'u1'): Promise<Visitor> {
  assert.equal((await visitor.post('/login', { user })).status, 303);
  return visitor;
}

everyFramework('G1: each cookie has a secret of its own, which the store does not know', async ({ app, lab }) => {
  const secrets = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const { id, secret } = tokenOf(await signedIn(new Visitor(app.origin)));
    assert.equal(Buffer.from(secret, 'base64url').length, 32);
    const record = await lab.store.find(id);
    assert.equal(record?.id, id);
    assert.doesNotMatch(JSON.stringify(record), new RegExp(secret));
    secrets.add(secret);
  }
  assert.equal(secrets.size, 20);
});

everyFramework('G4: of requests at once that write to one session none is lost', async ({ visitor }) => {
  await signedIn(visitor);
  const answers = await Promise.all(Array.from({ length: 8 }, () => visitor.post('/write')));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.deepEqual((await visitor.get('/')).json['data'], { n: 8 });
});

const path = (): string => temporary('sessions.db');

everyFramework('G7: who signed out at one process is refused at the other', async ({ another }) => {
  const file = path();
  const labs = [file, file].map((one) => new Lab({ engine: (now) => sqlite(one, { now }) }));
  try {
    const [one, other] = await Promise.all(
      labs.map(async ({ sessions }) => new Visitor((await another(sessions)).origin)),
    );
    assert.ok(one && other);
    await signedIn(one);
    // A cookie of loopback is named after its port.
    const [token = ''] = one.jar.values();
    other.jar.set(`sojourn-${new URL(other.origin).port}`, token);
    for (let i = 0; i < 3; i++) assert.deepEqual((await other.get('/orders')).json, { of: 'u1' });
    await one.post('/logout');
    // The turn in which the other process looks whether anybody has written is over.
    for (const { clock } of labs) clock.advance('2ms');
    const refused = await other.get('/orders', { headers: script });
    assert.deepEqual([refused.status, refused.json['code']], [401, 'session_terminated']);
  } finally {
    for (const { sessions } of labs) await sessions.close();
  }
});

everyFramework(
  'G9: the limit holds among sign-ins at once, and who went over it is told',
  async ({ app, lab }) => {
    const visitors = await Promise.all(Array.from({ length: 12 }, () => signedIn(new Visitor(app.origin))));
    assert.equal((await lab.sessions.list('u1')).live.length, 3);
    const answers = await Promise.all(visitors.map((one) => one.get('/orders', { headers: script })));
    const refused = answers.filter(({ status }) => status === 401);
    assert.equal(refused.length, 9);
    assert.ok(refused.every(({ json }) => json['reason'] === 'limit_reached'));
  },
  { policy: { limit: 3 } },
);

everyFramework('G11: two sign-outs at once are one ending, recorded once', async ({ lab, visitor }) => {
  await signedIn(visitor);
  const { id } = tokenOf(visitor);
  const answers = await Promise.all([visitor.copy().post('/logout'), visitor.copy().post('/logout')]);
  assert.equal(answers.filter(({ json }) => json['ended'] === true).length, 1);
  const endings = (await lab.events()).filter((event) => event.sessionId === id && isTerminal(event));
  assert.deepEqual(
    endings.map(({ reason, by }) => [reason, by]),
    [['signed_out', 'u1']],
  );
});

everyFramework('G12: a request that waits on its session ends with it', async ({ app, lab, visitor }) => {
  await signedIn(visitor);
  const waiting = visitor.get('/wait');
  while (app.acted.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await lab.sessions.terminateAll('u1', { reason: 'password_changed' });
  assert.deepEqual((await waiting).json, { ended: 'password_changed' });
  assert.deepEqual((await new Visitor(app.origin).get('/wait')).json, { ended: 'sign_in_required' });
});

everyFramework('G15: the secret is in Set-Cookie and nowhere else', async ({ app, lab, visitor }) => {
  const answers: Answer[] = [];
  const secrets = new Set<string>();
  const take = async (answer: Promise<Answer>): Promise<void> => {
    answers.push(await answer);
    const { secret } = tokenOf(visitor);
    if (secret !== '') secrets.add(secret);
  };
  await take(visitor.post('/write'));
  await take(visitor.post('/login?return=/orders', { user: 'u1' }));
  const saved = visitor.copy();
  await take(visitor.post('/step-up'));
  for (const where of ['/', '/orders', '/admin', '/fresh', '/nowhere', '/overwrite']) {
    await take(visitor.get(where));
    await take(visitor.get(where, { headers: script }));
  }
  for (const headers of [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, script]) {
    await take(saved.post('/act', {}, { headers }));
  }
  await take(visitor.post('/careless'));
  await take(visitor.post('/logout'));
  await take(saved.get('/orders', { headers: script }));
  assert.ok(secrets.size >= 3);
  const shown = answers.map(({ status, headers, text }) => {
    headers.delete('set-cookie');
    return [status, [...headers], text];
  });
  const kept = JSON.stringify([shown, lab.log, await lab.events(), await lab.sessions.list('u1')]);
  for (const secret of secrets) assert.ok(!kept.includes(secret));
  assert.ok(kept.includes(new URL(app.origin).host));
});
