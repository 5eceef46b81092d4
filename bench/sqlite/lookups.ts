import { createSessions } from 'sojourn';
import { sqlite } from 'sojourn/sqlite';
import { tell } from '../process.ts';
import { idOf, live, tokenOf } from './sessions.ts';

/* Random look-ups among all live sessions of the large file, by the store alone and with all checks. */

export interface Lookups {
  /** A second, by round. */
  readonly find: number[];
  readonly track: number[];
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

const found: Lookups = { find: [], track: [] };
for (let round = -1; round < rounds; round++) {
  const numbers = Array.from({ length: atATime }, () => live(Math.random()));
  const ids = numbers.map(idOf);
  const tokens = numbers.map(tokenOf);
  let begun = performance.now();
  for (const id of ids) {
    if (store.find(id) === null) throw new Error(`Session ${id} is not there.`);
  }
  const find = performance.now() - begun;
  begun = performance.now();
  for (const token of tokens) {
    const session = sessions.track(token);
    if (session instanceof Promise || session.state !== 'signed-in') throw new Error('A session is not live.');
  }
  const track = performance.now() - begun;
  if (round < 0) continue;
  found.find.push((atATime / find) * 1000);
  found.track.push((atATime / track) * 1000);
}
tell(found);
