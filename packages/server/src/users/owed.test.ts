import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openSite, type Site } from '../../test/site.ts';

async function open(t: TestContext): Promise<Site & { readonly id: string }> {
  const site = await openSite();
  t.after(() => site.close());
  return { ...site, id: site.server.context.users.byName('ada')?.id ?? '' };
}

/** Each ending waits, and does what is to happen meanwhile. Answers how often there was one. */
function whileEnding({ server }: Site, run: (time: number) => Promise<unknown>): () => number {
  const { sessions } = server.context;
  const { terminateAll } = sessions;
  let times = 0;
  sessions.terminateAll = async (...given) => {
    times += 1;
    await run(times);
    return terminateAll(...given);
  };
  return () => times;
}

test('what is owed is ended once, however many ask at once: none lands after what another let in', async (t) => {
  const { id, ...site } = await open(t);
  const { owed, users } = site.server.context;
  await site.signedIn();
  await users.setPassword(id, 'another long one', { by: 'operator' });
  const { promise: slow, resolve: land } = Promise.withResolvers<void>();
  const times = whileEnding(site, () => slow);
  const asked = [owed.end(id), owed.end(id)];
  land();
  assert.deepEqual(await Promise.all(asked), [1, 1]);
  assert.equal(times(), 1);
  assert.equal(await owed.end(id), null);
});

test('who asks while endings are under way waits for what came to be owed since, too', async (t) => {
  const { id, ...site } = await open(t);
  const { owed, users } = site.server.context;
  await users.setPassword(id, 'another long one', { by: 'operator' });
  const asked: Promise<unknown>[] = [];
  const times = whileEnding(site, async (time) => {
    if (time > 1) return;
    await users.setPassword(id, 'a third long one', { by: 'operator' });
    asked.push(owed.end(id).then(() => assert.deepEqual(users.owed(id), [])));
  });
  await owed.end(id);
  await Promise.all(asked);
  assert.deepEqual([asked.length, times()], [1, 2]);
});

test('what another process has ended meanwhile is not ended again', async (t) => {
  const { id, ...site } = await open(t);
  const { owed, users } = site.server.context;
  await users.setPassword(id, 'another long one', { by: 'operator' });
  await users.setPassword(id, 'a third long one', { by: 'operator' });
  const times = whileEnding(site, async () => {
    for (const { number } of users.owed(id)) users.settle(number);
  });
  await owed.end(id);
  assert.equal(times(), 1);
});
