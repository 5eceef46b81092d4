import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { breakStore } from '../../test/broken-store.ts';
import { onceHashing, onceSet, openSite, password, type Site, type Witness } from '../../test/site.ts';

/* What becomes of the account while a password form is under way: its present password was right, the new one is hashed. */

const [late, owners] = ['the late form’s own', 'the owner’s own'];

interface Held {
  readonly site: Site;
  readonly owner: Witness;
  readonly id: string;
  /** The session that sent the form. */
  readonly sender: string;
}

async function change({ owner }: Held, form: Record<string, string> = {}): Promise<void> {
  assert.equal((await owner.post('/account/password', { current: password, new: owners, ...form })).status, 303);
}

interface Case {
  readonly meanwhile: string;
  run(held: Held): Promise<unknown>;
  readonly answer: string;
  /** The password that is in force after both. */
  readonly holds: string;
  /** Whether the session of the owner, who did nothing else, is signed in still. */
  readonly stays: boolean;
}

const signedOut = '303 /login?unsent=1';
/** That is not the present password. */
const wrong = '403 null';

const cases: readonly Case[] = [
  {
    meanwhile: 'the owner changes the password',
    run: (held) => change(held, { others: 'on' }),
    answer: signedOut,
    holds: owners,
    stays: true,
  },
  {
    meanwhile: 'the owner changes it, and the others stay',
    run: change,
    answer: wrong,
    holds: owners,
    stays: true,
  },
  {
    meanwhile: 'the operator sets it, and the store is not told yet',
    run: ({ site, id }) => site.server.context.users.setPassword(id, owners, { by: 'operator' }),
    answer: wrong,
    holds: owners,
    stays: false,
  },
  {
    meanwhile: 'its session is signed out from another device',
    run: ({ owner, sender }) => owner.post(`/account/sessions/${sender}/terminate`),
    answer: signedOut,
    holds: password,
    stays: true,
  },
  {
    meanwhile: 'the account is disabled',
    async run({ site, id }) {
      site.server.context.users.setDisabled(id, true);
      await site.server.context.sessions.disable(id);
    },
    answer: signedOut,
    holds: password,
    stays: false,
  },
  {
    meanwhile: 'the account is disabled, and the store is not told yet',
    run: async ({ site, id }) => site.server.context.users.setDisabled(id, true),
    answer: wrong,
    holds: password,
    stays: false,
  },
];

for (const { meanwhile, run, answer, holds, stays } of cases) {
  test(`G17: a password form under way sets nothing when ${meanwhile}`, async (t) => {
    const held = await open(t);
    const { site, id, owner } = held;
    const { users } = site.server.context;
    const sender = await site.signedIn();
    const { json } = await sender.json('/session');
    onceHashing(site, async () => {
      site.clock.advance('1s');
      await run({ ...held, sender: String(json['id']) });
      site.clock.advance('1s');
    });
    const { status, headers } = await sender.post('/account/password', { current: password, new: late, others: 'on' });
    assert.equal(`${status} ${headers.get('location')}`, answer);
    assert.equal((await owner.json('/session')).status, stays ? 200 : 401);
    users.setDisabled(id, false);
    assert.equal(await users.verify('ada', late), null);
    assert.equal((await users.verify('ada', holds))?.user.id, id);
  });
}

test('the session ends once the new password is set: what was done is said, and not that it was not', async (t) => {
  const { site, id, owner } = await open(t);
  const { sessions } = site.server.context;
  onceSet(site, () => sessions.terminateAll(id));
  const form = { current: password, new: owners, others: 'on' };
  const { status, text } = await owner.post('/account/password', form);
  assert.equal(status, 401);
  assert.match(text, /<h1>Your password has been changed<\/h1>/);
  assert.match(text, /Use the new one from now on\. Meanwhile this session has ended/);
  assert.doesNotMatch(text, /action="\/logout"/);
  assert.equal((await owner.json('/session')).status, 401);
  assert.equal((await site.server.context.users.verify('ada', owners))?.user.id, id);
});

test('what was owed has ended, and that cannot be kept: the new password holds, and that is said', async (t) => {
  const { site, id, owner } = await open(t);
  const { config, users } = site.server.context;
  const phone = await site.signedIn();
  const mend = breakStore(join(config.data, 'users.db'), 'DELETE ON owed');
  const { status, text } = await owner.post('/account/password', { current: password, new: owners, others: 'on' });
  assert.equal(status, 503);
  assert.match(text, /<h1>Your password has been changed<\/h1>/);
  assert.match(text, /A device that was to be signed out may not be yet: it is refused from its next request on\./);
  mend();
  assert.equal((await phone.json('/session')).status, 401);
  assert.equal((await owner.json('/session')).status, 200);
  assert.equal((await users.verify('ada', owners))?.user.id, id);
});

test('only the notice cannot be kept: the answer itself says what was done, and of nothing that was not', async (t) => {
  const { site, id, owner } = await open(t);
  const { config, users } = site.server.context;
  onceSet(site, async () => breakStore(join(config.data, 'sessions.db'), 'UPDATE ON sessions'));
  const { status, text } = await owner.post('/account/password', { current: password, new: owners });
  assert.equal(status, 200);
  assert.match(text, /<h1>Your password has been changed<\/h1>\n<p>Use the new one from now on\.<\/p>/);
  assert.deepEqual(users.owed(id), []);
});

async function open(t: TestContext): Promise<Omit<Held, 'sender'>> {
  const site = await openSite();
  t.after(() => site.close());
  return { site, owner: await site.signedIn(), id: site.server.context.users.byName('ada')?.id ?? '' };
}
