import assert from 'node:assert/strict';
import { isTerminal } from '../../src/lifecycle/events.ts';
import { allEvents, created, operation } from '../../src/stores/contract/subject.ts';
import { retention } from '../../src/stores/rows.ts';
import { onSeam, type Seam } from './redis-seam.ts';
import { assertToldInPlace } from './unreadable-event.ts';

/* A record of a newer release, or one that is no record at all, stops nothing and ends with the others. */

const onRedis = onSeam();
const revoked = { reason: 'revoked', by: 'x' } as const;
/** Where a record's head tells its format. */
const format = 56;

function keyOf({ prefix }: Seam, id: string): string {
  return `${prefix}:{${id.charAt(0)}}:s:${id}`;
}

async function made(seam: Seam): Promise<{ id: string; key: string; text: string }> {
  const { id } = await created(seam.other, 'u1', { data: '{"cart":["x"]}' });
  const key = keyOf(seam, id);
  return { id, key, text: String(await seam.send(['GET', key])) };
}

onRedis('a record of a newer release ends by its head alone, once, and is purged', async (seam) => {
  const { store, send } = seam;
  const { id, key, text } = await made(seam);
  await send(['SET', key, `${text.slice(0, format)}0002${text.slice(format + 4)}`]);
  for (let i = 0; i < 2; i++) await store.endAll('u1', { ...revoked, operation: operation() });
  const ended = String(await send(['GET', key]));
  assert.equal(ended.slice(0, 10), '0000000002');
  assert.equal(ended.charAt(format - 1), 'e');
  assert.deepEqual([ended.slice(format, format + 4), ended.endsWith('\n{}')], ['0002', true]);
  const terminal = (await allEvents(store)).filter(({ event }) => isTerminal(event));
  assert.deepEqual(
    terminal.map(({ event }) => event.sessionId),
    [id],
  );
  await store.purge('u1', { operation: operation() });
  assert.equal(await send(['EXISTS', key]), 0);
});

onRedis('a list and a page with a record that cannot be read are unknown, with its id', async (seam) => {
  const { store, send } = seam;
  const { id, key, text } = await made(seam);
  await created(store, 'u1');
  for (const unreadable of ['nonsense', `${text.slice(0, format)}0002${text.slice(format + 4)}`]) {
    await send(['SET', key, unreadable]);
    const named = { code: 'store_unavailable', sessionId: id };
    await assert.rejects(async () => store.list('u1'), named);
    await assert.rejects(async () => store.page(null, 10), named);
  }
});

for (const nonsense of ['', 'nonsense', '\u0000é\ud83d\ude00'.repeat(30)]) {
  onRedis(`what is no record ends with the others: ${JSON.stringify(nonsense.slice(0, 8))}`, async (seam) => {
    const { store, send } = seam;
    const { id, key } = await made(seam);
    await send(['SET', key, nonsense]);
    const other = await created(store, 'u1');
    for (let i = 0; i < 2; i++) await store.endAll('u1', { ...revoked, operation: operation() });
    const terminal = (await allEvents(store)).filter(({ event }) => isTerminal(event));
    assert.deepEqual(terminal.map(({ event }) => event.sessionId).sort(), [id, other.id].sort());
    await store.purge('u1', { operation: operation() });
    assert.equal(await send(['EXISTS', key]), 0);
  });
}

onRedis('a record that could not be read for a while is written again once it can', async (seam) => {
  const { store, send } = seam;
  const { id, key, text } = await made(seam);
  await send(['SET', key, `${text.slice(0, format)}0002${text.slice(format + 4)}`]);
  await created(store, 'u1');
  await send(['SET', key, `0000000002${text.slice(10)}`]);
  assert.equal((await store.end(id, { ...revoked, operation: operation() }))?.ended, true);
});

onRedis('G16: a subject that cannot be read is unknown, not enabled', async ({ store, send, prefix }) => {
  const { id } = await created(store, 'u1');
  await store.endAll('u1', { reason: 'account_disabled', by: 'root', disable: true, operation: operation() });
  const key = `${prefix}:{${id.charAt(0)}}:u:u1`;
  const text = String(await send(['GET', key]));
  for (const body of ['not json', 'null']) {
    await send(['SET', key, `${text.slice(0, text.indexOf('{'))}${body}`]);
    await assert.rejects(created(store, 'u1'), { code: 'store_unavailable' });
    await assert.rejects(async () => store.subject('u1'), { code: 'store_unavailable' });
  }
});

onRedis('G10: an event that cannot be read is told in its place', async ({ store, send, prefix }) => {
  await assertToldInPlace(store, async (id, body) => {
    const list = `${prefix}:{${id.charAt(0)}}:e`;
    await send(['ZREMRANGEBYSCORE', list, '2', '2']);
    await send(['ZADD', list, '2', `2:${body}`]);
  });
});

onRedis('an event that cannot be read does not keep a purge from the rest, and goes whole', async (seam) => {
  const { store, send, prefix } = seam;
  for (const body of ['', 'not json', 'null', '"of u1!"', '["of u1!"]']) {
    const { id } = await made(seam);
    const bobs = await created(store, 'bob');
    const list = `${prefix}:{${id.charAt(0)}}:e`;
    const first = String(await send(['ZRANGE', list, '-1', '-1']));
    const [number = ''] = first.split(':', 1);
    await send(['ZREM', list, first]);
    await send(['ZADD', list, number, `${number}:${body}`]);
    assert.deepEqual(
      (await store.purge('u1', { operation: operation() })).map(({ id }) => id),
      [id],
    );
    assert.doesNotMatch(JSON.stringify(await send(['ZRANGE', list, '0', '-1'])), /u1!/);
    const told = (await allEvents(store)).filter(({ event }) => event.sessionId === id);
    assert.deepEqual(
      told.map(({ event }) => [event.type, event.subject]),
      [['terminated', null]],
      body,
    );
    assert.equal((await store.list('bob')).live[0]?.id, bobs.id);
    await store.purge('bob', { operation: operation() });
  }
});

onRedis('an event that cannot be read does not keep old ones from being forgotten', async (seam) => {
  const { store, send, prefix, clock } = seam;
  const { id } = await made(seam);
  await store.note([{ id, code: 'secret_mismatch', count: 1 }]);
  const list = `${prefix}:{${id.charAt(0)}}:e`;
  await send(['ZREMRANGEBYSCORE', list, '1', '1']);
  await send(['ZADD', list, '1', '1:nonsense']);
  clock.now += retention + 1;
  await created(store, 'u1');
  await store.sweep(10);
  await store.sweep(10);
  assert.equal(await send(['ZCOUNT', list, '1', '2']), 0);
  assert.deepEqual(
    (await allEvents(store)).map(({ event }) => event.type),
    ['expired', 'signed_in'],
  );
});
