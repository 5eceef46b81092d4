import assert from 'node:assert/strict';
import { type History, type Known, terminal } from './history.ts';
import type { Answer, ToldEvent } from './protocol.ts';

/** How the run ended: what each node says of each session, what lives of each subject, and all events there are. */
export interface End {
  readonly states: ReadonlyMap<string, readonly Answer[]>;
  readonly live: ReadonlyMap<string, readonly string[]>;
  readonly events: readonly ToldEvent[];
}

export interface Figures {
  readonly operations: number;
  readonly unknown: number;
  readonly sessions: number;
  readonly ended: number;
  /** The longest that an ended session was served after its end was acknowledged, in milliseconds; 0: never. */
  readonly longestServed: number;
}

/**
 * G3, G7: an ended session is never served later than the bound after its end was acknowledged, by any node. An end
 * by the limit is acknowledged to nobody: it counts from when its event came.
 */
export function checkEnded(history: History, { events }: End, bound: number): { ended: number; longest: number } {
  const told = new Set(events.filter(({ type }) => terminal.has(type)).map(({ sessionId }) => sessionId));
  // What a failover lost again has not ended, though an event told so.
  const endOf = ({ id, endedBy, toldBy }: Known): number => (told.has(id) ? Math.min(endedBy, toldBy) : endedBy);
  let longest = 0;
  for (const { ask, answer, from, node } of history.operations) {
    const known = history.of(ask);
    if (known === undefined || answer.is === 'refused' || answer.is === 'unknown' || ask.do === 'revoke') continue;
    if (ask.do !== 'visit' && ask.do !== 'write') continue;
    const late = from - endOf(known);
    assert.ok(late <= bound, `node ${node} served ${known.id} to ${ask.do} ${late} ms after its end`);
    // No write is taken by a session that has ended, whatever is remembered of it.
    assert.ok(ask.do === 'visit' || late <= 0, `node ${node} wrote to ${known.id} ${late} ms after its end`);
    longest = Math.max(longest, late);
  }
  const ended = [...history.sessions.values()].filter((known) => Number.isFinite(endOf(known)));
  return { ended: ended.length, longest };
}

/** G4, G7: what was written is seen at once where it was written, and after the bound everywhere. */
export function checkSeen(history: History, bound: number): void {
  for (const { ask, answer, from, node } of history.operations) {
    const known = history.of(ask);
    if (known === undefined || answer.is !== 'live') continue;
    const keys = new Set(answer.keys);
    for (const [key, write] of known.written) {
      const late = from - write.at;
      if (late <= (write.node === node ? 0 : bound)) continue;
      assert.ok(
        keys.has(key),
        `node ${node} served ${known.id} without ${key}, ${late} ms after node ${write.node} wrote it`,
      );
    }
  }
}

/** G4, G5: nothing that was acknowledged is lost, and what ended stays so. */
export function checkKept(history: History, { states, events }: End): void {
  for (const known of history.sessions.values()) {
    const reasons = events.filter(({ sessionId, type }) => sessionId === known.id && terminal.has(type));
    for (const answer of states.get(known.id) ?? []) checkState(known, answer, reasons);
  }
}

function checkState(known: Known, answer: Answer, endings: readonly ToldEvent[]): void {
  const { id, endedBy, endAsked, written, doubtful } = known;
  const why = endings.map(({ reason }) => reason).join(' ');
  if (answer.is === 'live') {
    assert.ok(endedBy === Number.POSITIVE_INFINITY, `${id} lives although its end was acknowledged`);
    assert.equal(why, '', `${id} lives although it is told to have ended`);
    for (const key of written.keys()) assert.ok(answer.keys.includes(key), `${id} lost ${key}`);
    for (const key of answer.keys) assert.ok(written.has(key) || doubtful.has(key), `${id} has ${key} from nowhere`);
    assert.equal(new Set(answer.keys).size, answer.keys.length, `${id} has something twice`);
    return;
  }
  assert.equal(answer.is, 'refused', `${id}: ${JSON.stringify(answer)}`);
  assert.ok(why !== '', `${id} was lost: nothing tells of its end`);
  const expected =
    endAsked === Number.POSITIVE_INFINITY ? ['limit_reached'] : ['limit_reached', 'signed_out', 'administrator'];
  assert.ok(expected.includes(why), `${id} ended for ${why}, which nobody asked for`);
}

/** G9: never more sessions of one subject than the limit. */
export function checkLimit({ live }: End, limit: number): void {
  for (const [subject, ids] of live) assert.ok(ids.length <= limit, `${subject} has ${ids.length} sessions`);
}

/** G11: one terminal event of each session that ended, after its beginning, and the consumer missed none. */
export function checkEvents(history: History, { events, states }: End, heard: readonly ToldEvent[]): void {
  for (const told of [events, heard]) {
    const began = new Map<string, number>();
    const ended = new Map<string, number>();
    for (const [at, { type, sessionId }] of told.entries()) {
      if (type === 'signed_in') began.set(sessionId, at);
      if (!terminal.has(type)) continue;
      assert.ok(!ended.has(sessionId), `${sessionId} ended twice`);
      ended.set(sessionId, at);
    }
    for (const { id } of history.sessions.values()) {
      const [first, last] = [began.get(id), ended.get(id)];
      assert.ok(first !== undefined, `nothing tells that ${id} began`);
      const live = states.get(id)?.every(({ is }) => is === 'live') ?? false;
      assert.equal(last === undefined, live, `${id}: told to have ended: ${last !== undefined}, live: ${live}`);
      assert.ok(last === undefined || last > first, `${id} ended before it began`);
    }
  }
}
