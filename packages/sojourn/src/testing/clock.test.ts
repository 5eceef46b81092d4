import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MaybePromise } from '../lifecycle/ports.ts';
import type { LogEntry } from '../settings.ts';
import { TestClock, testSessions } from './testing.ts';

test('time that is moved on at once does not run out for what it sets going on the way', async () => {
  const log: LogEntry[] = [];
  const { sessions, clock, as } = testSessions({ log: (entry) => log.push(entry) });
  const { headers } = await as('u1');
  const track = (): MaybePromise<object> => sessions.track(headers['cookie']?.split('=')[1] ?? null);
  clock.advance('2m');
  await track();
  // Past the touch that waits, and past the deadline that begins with it.
  clock.advance('5m');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([log, sessions.counts.touchesDropped], [[], 0]);
  await sessions.close();
});

test('timers run at their own moment and in order, and those they begin wait for the next time', () => {
  const clock = new TestClock(0);
  const ran: string[] = [];
  clock.after(30, () => ran.push(`b ${clock.now()}`));
  clock.after(10, () => {
    ran.push(`a ${clock.now()}`);
    clock.after(5, () => ran.push(`c ${clock.now()}`));
  });
  clock.advance(100);
  assert.deepEqual(ran, ['a 10', 'b 30']);
  clock.advance(0);
  assert.deepEqual(ran, ['a 10', 'b 30', 'c 100']);
});
