import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SojournError } from 'sojourn';
import { CatchUps } from './catch-up.ts';
import type { Told } from './feed.ts';

/** A log that is read as an embedded engine's is: at once, while all else stands still. */
class Log {
  /** Events read since this was last asked. */
  #read = 0;
  reading = 0;
  mostReading = 0;
  readonly #events: readonly Told[];

  constructor(events: readonly Told[]) {
    this.#events = events;
  }

  takeRead(): number {
    const read = this.#read;
    this.#read = 0;
    return read;
  }

  async *events(): AsyncGenerator<Told> {
    this.reading += 1;
    this.mostReading = Math.max(this.mostReading, this.reading);
    try {
      for (const event of this.#events) {
        this.#read += 1;
        yield event;
      }
    } finally {
      this.reading -= 1;
    }
  }
}

function told(sessionId: string, number: number): Told {
  return { type: 'rotated', sessionId, subject: null, kind: 'anonymous', at: number, cursor: String(number) };
}

const many = (count: number): Told[] => Array.from({ length: count }, (_, i) => told(i % 100 === 7 ? 'mine' : 'x', i));

test('what one session missed is found among the events of all', async () => {
  const missed = await new CatchUps(new Log(many(300))).missed('mine', 'old');
  assert.deepEqual(
    missed?.map(({ at }) => at),
    [7, 107, 207],
  );
});

test('among very many it is not looked for', async () => {
  const log = new Log(many(100_000));
  assert.equal(await new CatchUps(log).missed('mine', 'old'), null);
  assert.ok(log.takeRead() <= 512);
  assert.equal(log.reading, 0);
});

test('a hundred who ask at once hold nobody else up: few read at a time, and little in one turn of the loop', async () => {
  const log = new Log(many(100_000));
  const catchUps = new CatchUps(log);
  let asking = true;
  const all = Promise.all(Array.from({ length: 100 }, () => catchUps.missed('mine', 'old'))).finally(() => {
    asking = false;
  });
  let mostInOneTurn = 0;
  while (asking) {
    await new Promise(setImmediate);
    mostInOneTurn = Math.max(mostInOneTurn, log.takeRead());
  }
  assert.deepEqual(new Set(await all), new Set([null]));
  assert.ok(mostInOneTurn > 0 && mostInOneTurn <= 512, `${mostInOneTurn} events in one turn`);
  assert.equal(log.mostReading, 2);
});

test('those who wait get their turn, and so does who comes after an error', async () => {
  const catchUps = new CatchUps(new Log(many(300)));
  const answers = await Promise.all(Array.from({ length: 20 }, () => catchUps.missed('mine', 'old')));
  assert.deepEqual(
    answers.map((missed) => missed?.length),
    Array(20).fill(3),
  );
  let code: 'store_unavailable' | 'cursor_lost' = 'store_unavailable';
  const failing = new CatchUps({
    // biome-ignore lint/correctness/useYield: it fails before there is anything to tell
    async *events() {
      throw new SojournError(code, 'not now');
    },
  });
  for (let tries = 0; tries < 5; tries++) await assert.rejects(failing.missed('mine', 'old'), { code });
  code = 'cursor_lost';
  assert.equal(await failing.missed('mine', 'old'), null);
});
