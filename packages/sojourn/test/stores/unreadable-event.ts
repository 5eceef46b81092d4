import assert from 'node:assert/strict';
import type { Store } from '../../src/lifecycle/ports.ts';
import { allEvents, created, operation } from '../../src/stores/contract/subject.ts';

/** What may stand in the place of what is kept for a subject. */
export const unreadableKept: readonly string[] = [
  'not json',
  'null',
  '7',
  '{}',
  ...['"garbage"', '5', '"[1]"'].map((data) => `{"id":"a","data":${data},"until":90000000000000}`),
];

/** An event that cannot be read is told in its place, from a cursor before it too, and hides no other. `spoil`: sets the text of the second. */
export async function assertToldInPlace(
  store: Store,
  spoil: (sessionId: string, body: string) => Promise<void>,
): Promise<void> {
  const { id } = await created(store, 'u1');
  await store.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
  const next = await created(store, 'u1');
  for (const body of ['', 'not json', 'null', '7', '{"type":"terminated"}']) {
    await spoil(id, body);
    const told = await allEvents(store);
    assert.deepEqual(
      told.map(({ event }) => [event.type, event.code, event.sessionId]),
      [
        ['signed_in', undefined, id],
        ['noticed', 'event_unreadable', ''],
        ['signed_in', undefined, next.id],
      ],
      body,
    );
    for (const [place, { cursor }] of told.entries()) {
      assert.deepEqual(await allEvents(store, cursor), told.slice(place + 1));
    }
    assert.deepEqual((await store.list('u1')).live, [next]);
  }
}
