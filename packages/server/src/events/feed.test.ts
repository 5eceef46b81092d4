import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SessionEvent, SojournError } from 'sojourn';
import { TestClock } from 'sojourn/testing';
import { Feed, type Told } from './feed.ts';

/** A log whose every reading is one of the steps: events to tell, or an error to throw. */
class Log {
  readonly clock: TestClock = new TestClock();
  readonly asked: (string | undefined)[] = [];
  readonly reported: string[] = [];
  readonly #steps: (readonly Told[] | SojournError)[];

  constructor(...steps: (readonly Told[] | SojournError)[]) {
    this.#steps = steps;
  }

  cursor = async (): Promise<string> => 'now';

  report = ({ code }: { code: string }): void => {
    this.reported.push(code);
  };

  async *events({ after, signal }: { after?: string; signal?: AbortSignal } = {}): AsyncGenerator<Told> {
    this.asked.push(after);
    const step = this.#steps.shift();
    if (step instanceof SojournError) throw step;
    yield* step ?? [];
    if (this.#steps.length > 0) throw new SojournError('store_unavailable', 'gone for a while');
    await new Promise((resolve) => signal?.addEventListener('abort', resolve));
  }

  /** Lets the feed wait its second, until it has asked this often. */
  async until(asked: number): Promise<void> {
    while (this.asked.length < asked) {
      await new Promise(setImmediate);
      this.clock.advance('1s');
    }
    await new Promise(setImmediate);
  }
}

function told(sessionId: string, cursor: string, more: Partial<SessionEvent> = {}): Told {
  return { type: 'rotated', at: 1, sessionId, subject: 'ada', kind: 'standard', cursor, ...more };
}

test('the feed goes on from where it was when the store fails, and says so in the log', async () => {
  const log = new Log([told('a', '1'), told('b', '2')], new SojournError('store_unavailable', 'down'), [
    told('a', '3'),
  ]);
  const feed = await Feed.follow(log, log.clock);
  await log.until(3);
  assert.deepEqual(log.asked, ['now', '2', '2']);
  assert.deepEqual(log.reported, ['store_unavailable', 'store_unavailable']);
  assert.deepEqual(
    feed.of('a').map(({ cursor }) => cursor),
    ['1', '3'],
  );
  assert.equal(feed.cursor, '3');
  feed.close();
});

test('a place that the store has lost is given up for the present one, and who listens is told so', async () => {
  const log = new Log([told('a', '1')], new SojournError('cursor_lost', 'of another store'), [told('a', '9')]);
  const feed = await Feed.follow(log, log.clock);
  const heard: string[] = [];
  feed.listen('a', {
    tell: ({ cursor }) => heard.push(cursor),
    lost: () => heard.push('lost'),
    close: () => {},
  });
  await log.until(3);
  assert.deepEqual(log.asked, ['now', '1', 'now']);
  assert.deepEqual(heard, ['1', 'lost', '9']);
  feed.close();
});

test('a session’s events come after those of the one it took the place of', async () => {
  const replaced = told('a', '2', { type: 'terminated', reason: 'replaced', by: 'ada', replacedBy: 'b' });
  const log = new Log([told('a', '1'), replaced, told('b', '3')]);
  const feed = await Feed.follow(log, log.clock);
  await log.until(1);
  assert.deepEqual(
    feed.of('b').map(({ cursor }) => cursor),
    ['1', '2', '3'],
  );
  assert.deepEqual(
    feed.of('a').map(({ cursor }) => cursor),
    ['1', '2'],
  );
  assert.deepEqual(feed.of('c'), []);
  feed.close();
});

test('who listens is told once, not after leaving, and that the feed closes', async () => {
  const log = new Log([], [told('a', '1')]);
  const feed = await Feed.follow(log, log.clock);
  const heard: string[] = [];
  const listener = (name: string) => ({
    tell: () => heard.push(`${name} told`),
    lost: () => heard.push(`${name} lost`),
    close: () => heard.push(`${name} closed`),
  });
  feed.listen('a', listener('one'));
  feed.listen('a', listener('two'))();
  feed.listen('b', listener('other'));
  await log.until(2);
  feed.close();
  assert.deepEqual(heard, ['one told', 'one closed', 'other closed']);
});
