import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFirstSite, password, type Site } from '../../test/site.ts';

const hint = /The first start made the account <code>admin<\/code> and printed its password in the terminal/;

async function told(site: Site): Promise<boolean[]> {
  const pages = [];
  for (const path of ['/', '/login']) pages.push(hint.test((await site.visitor().get(path)).text));
  return pages;
}

test('who starts the server for the first time is told where its password stands, until there is another account', async (t) => {
  const site = await openFirstSite();
  t.after(() => site.close());
  assert.deepEqual(await told(site), [true, true]);
  const admin = await site.signedIn('admin');
  for (const path of ['/', '/login']) assert.doesNotMatch((await admin.get(path)).text, hint, path);
  await site.server.context.users.add('eva', password, []);
  assert.deepEqual(await told(site), [false, false]);
});

test('nobody is told of an account on a server that is reached from elsewhere, or is no demonstration', async (t) => {
  const site = await openFirstSite('--no-demo');
  t.after(() => site.close());
  assert.deepEqual(await told(site), [false, false]);
  const elsewhere = await openFirstSite('--origin', 'https://sessions.example', '--demo');
  t.after(() => elsewhere.close());
  assert.deepEqual(await told(elsewhere), [false, false]);
});
