import { createSessions } from 'sojourn';
import { sqlite } from 'sojourn/sqlite';
import { tell } from '../process.ts';
import { processorTime } from '../processor-time.ts';
import { idOf, live, tokenOf } from './sessions.ts';

/* Random look-ups among all live sessions of the large file, by the store alone and with all checks. */

export interface Lookups {
  /** A second of the clock, by round. */
  readonly find: number[];
  readonly track: number[];
  /** A second of processor time, the collector's included. */
  readonly findBusy: number[];
  readonly trackBusy: number[];
}

const atATime = 50_000;
const rounds = Number(process.argv[3]);
const store = sqlite(process.argv[2] ?? '');
// Nothing falls due for writing while reading is measured.
const sessions = createSessions({
  store,
  sweepEvery: 'never',
  policy: { kinds: { standard: { touchInterval: '15m' } } },
});

function taken(lookUp: () => void): { rate: number; busy: number } {
  const used = processorTime();
  const begun = performance.now();
  lookUp();
  const elapsed = performance.now() - begun;
  return { rate: (atATime / elapsed) * 1000, busy: (atATime / (processorTime() - used)) * 1e9 };
}

const found: Lookups = { find: [], track: [], findBusy: [], trackBusy: [] };
for (let round = -1; round < rounds; round++) {
  const numbers = Array.from({ length: atATime }, () => live(Math.random()));
  const ids = numbers.map(idOf);
  const tokens = numbers.map(tokenOf);
  const find = taken(() => {
    for (const id of ids) {
      if (store.find(id) === null) throw new Error(`Session ${id} is not there.`);
    }
  });
  const track = taken(() => {
    for (const token of tokens) {
      const session = sessions.track(token);
      if (session instanceof Promise || session.state !== 'signed-in') throw new Error('A session is not live.');
    }
  });
  if (round < 0) continue;
  found.find.push(find.rate);
  found.track.push(track.rate);
  found.findBusy.push(find.busy);
  found.trackBusy.push(track.busy);
}
tell(found);
