import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Between, settled } from '../test/between.ts';
import { code, Lab, through } from '../test/lab.ts';
import type { EventsOptions } from './follow.ts';
import type { EventType } from './lifecycle/events.ts';

interface Reading {
  readonly types: EventType[];
  readonly cursors: string[];
  /** Settles when the reading ends. */
  readonly done: Promise<void>;
}

/** Reads events until they end. */
function read(lab: Lab, options: EventsOptions = {}): Reading {
  const types: EventType[] = [];
  const cursors: string[] = [];
  const reading = async (): Promise<void> => {
    for await (const { type, cursor } of lab.sessions.events(options)) {
      types.push(type);
      cursors.push(cursor);
    }
  };
  return { types, cursors, done: reading() };
}

async function signOut(lab: Lab, subject = 'u1'): Promise<void> {
  await (await (await lab.signedIn(subject)).signedIn()).terminate();
}

test('from the oldest kept to the newest, and then the end where nobody waits', async () => {
  const lab = new Lab();
  await signOut(lab);
  const reading = read(lab, { follow: false });
  await reading.done;
  assert.deepEqual(reading.types, ['signed_in', 'terminated']);
  await read(new Lab(), { follow: false }).done;
});

test('what happens later arrives as it happens', async () => {
  const lab = new Lab();
  const reading = read(lab);
  await settled();
  assert.deepEqual(reading.types, []);
  await lab.signedIn();
  await settled();
  assert.deepEqual(reading.types, ['signed_in']);
  await lab.sessions.terminateAll('u1');
  await settled();
  assert.deepEqual(reading.types, ['signed_in', 'terminated']);
  await lab.sessions.close();
  await reading.done;
});

test('every event has a cursor, after which the rest follows: none twice, none left out (G11)', async () => {
  const lab = new Lab();
  for (let i = 0; i < 5; i++) await signOut(lab, `u${i}`);
  const all = read(lab, { follow: false });
  await all.done;
  assert.equal(all.types.length, 10);
  for (const [index, after] of all.cursors.entries()) {
    const rest = read(lab, { after, follow: false });
    await rest.done;
    assert.deepEqual(rest.cursors, all.cursors.slice(index + 1));
  }
});

test('from the cursor of this moment on nothing old is told', async () => {
  const lab = new Lab();
  await signOut(lab);
  const reading = read(lab, { after: await lab.sessions.cursor() });
  await lab.signedIn('u2');
  await settled();
  assert.deepEqual(reading.types, ['signed_in']);
  await lab.sessions.close();
  await reading.done;
});

test('more than one page arrives whole and in order of its partition', async () => {
  const lab = new Lab();
  for (let i = 0; i < 300; i++) await signOut(lab);
  const reading = read(lab, { follow: false });
  await reading.done;
  assert.equal(reading.types.length, 600);
  assert.deepEqual(reading.types.slice(-2), ['signed_in', 'terminated']);
});

test('what is written while an empty page is on its way is not waited for in vain', async () => {
  let meanwhile: (() => Promise<unknown>) | null = null;
  const lab = new Lab({
    around: (store) =>
      through(store, async (name, run) => {
        const page = await run();
        const act = name === 'events' ? meanwhile : null;
        if (act !== null) meanwhile = null;
        await act?.();
        return page;
      }),
  });
  meanwhile = () => lab.signedIn();
  const reading = read(lab);
  await settled();
  assert.deepEqual(reading.types, ['signed_in']);
  await lab.sessions.close();
  await reading.done;
});

test('what is written is told, in whatever moment of a reading it is written (G11)', async () => {
  for (let turns = 0; turns < 12; turns++) {
    const lab = new Lab();
    const { id } = await (await lab.signedIn()).signedIn();
    const reading = read(lab);
    await settled();
    const first = lab.store.note([]);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    const ended = lab.store.end(id, { reason: 'revoked', by: 'root', operation: 'elsewhere' });
    await Promise.all([first, ended]);
    await settled();
    assert.deepEqual(reading.types, ['signed_in', 'terminated'], `after ${turns} microtasks`);
    await lab.sessions.close();
    await reading.done;
  }
});

test('it ends when its signal aborts: while it waits, before it begins, and before its next page', async () => {
  const lab = new Lab();
  await signOut(lab);
  const waiting = new AbortController();
  const reading = read(lab, { signal: waiting.signal });
  await settled();
  waiting.abort();
  await reading.done;
  assert.equal(reading.types.length, 2);
  const before = read(lab, { signal: AbortSignal.abort() });
  await before.done;
  assert.deepEqual(before.types, []);
});

test('it ends when the sessions close, also for who asks only then', async () => {
  const lab = new Lab();
  const reading = read(lab, { signal: new AbortController().signal });
  await settled();
  await lab.sessions.close();
  await reading.done;
  const late = read(lab);
  await late.done;
  assert.deepEqual(late.types, []);
});

test('who stops reading stops watching', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  await lab.signedIn();
  for await (const { type } of lab.sessions.events()) {
    assert.deepEqual([type, between.watching], ['signed_in', 1]);
    break;
  }
  assert.equal(between.watching, 0);
});

test('a cursor of another store or of nobody is told to be lost, never read on from somewhere (G11)', async () => {
  const lab = new Lab();
  await lab.signedIn();
  const foreign = await new Lab().sessions.cursor();
  for (const after of [foreign, '', 'x', '0']) {
    await assert.rejects(read(lab, { after, follow: false }).done, code('cursor_lost'));
  }
});

test('a cursor older than the events that are kept is told to be lost', async () => {
  const lab = new Lab();
  const after = await lab.sessions.cursor();
  await signOut(lab);
  lab.clock.advance('28d');
  lab.clock.advance(1);
  while ((await lab.sessions.sweep()).more);
  await assert.rejects(read(lab, { after, follow: false }).done, code('cursor_lost'));
  // Without one it begins at the oldest that there is.
  await signOut(lab, 'u2');
  const reading = read(lab, { follow: false });
  await reading.done;
  assert.deepEqual(reading.types, ['signed_in', 'terminated']);
});

test('a store that fails ends the reading with its error', async () => {
  const between = new Between();
  const lab = new Lab({ around: between.around });
  const reading = read(lab);
  await settled();
  between.failing = (name) => name === 'events';
  await lab.signedIn();
  await assert.rejects(reading.done, code('store_unavailable'));
});

test('what aborts in the middle of a page gets nothing more of it', async () => {
  const lab = new Lab();
  for (let i = 0; i < 3; i++) await lab.signedIn(`u${i}`);
  const stop = new AbortController();
  let told = 0;
  for await (const event of lab.sessions.events({ signal: stop.signal })) {
    assert.equal(event.type, 'signed_in');
    told += 1;
    stop.abort();
  }
  assert.equal(told, 1);
});
