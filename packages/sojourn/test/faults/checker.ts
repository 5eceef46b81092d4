import assert from 'node:assert/strict';
import { type History, type Known, terminal } from './history.ts';
import { wallAt } from './machine.ts';
import type { Answer, ToldEvent } from './protocol.ts';

/** How the run ended: what each node says of each session, what lists of each subject say, and all events there are. */
export interface End {
  readonly states: ReadonlyMap<string, readonly Answer[]>;
  readonly lists: ReadonlyMap<string, Answer>;
  readonly events: readonly ToldEvent[];
}

export interface Served {
  /** Sessions that ended. */
  readonly ended: number;
  /** The longest that an ended session was looked up after its end was acknowledged, and served; 0: never. In milliseconds. */
  readonly longestServed: number;
  /** The same to when the node knew its answer, with the way to the engine and back. */
  readonly longestAnswered: number;
}

/**
 * G3, G7: an ended session is never served later than the bound after its end was acknowledged, by any node. An end
 * by the limit is acknowledged to nobody: it counts from when its event came. What is looked up in time may take its
 * way to the engine and back, so the bound is for when the node began.
 */
export function checkEnded(history: History, { events }: End, bound: number): Served {
  const told = new Set(events.filter(({ type }) => terminal.has(type)).map(({ sessionId }) => sessionId));
  // What a failover lost again has not ended, though an event told so.
  const endOf = ({ id, endedBy, toldBy }: Known): number => (told.has(id) ? Math.min(endedBy, toldBy) : endedBy);
  let longestServed = 0;
  let longestAnswered = 0;
  for (const { ask, answer, begun, decided, node } of history.operations) {
    const known = history.of(ask);
    if (known === undefined || answer.is === 'refused' || answer.is === 'unknown') continue;
    if (ask.do !== 'visit' && ask.do !== 'write') continue;
    const late = begun - endOf(known);
    assert.ok(late <= bound, `node ${node} served ${known.id} to ${ask.do} ${late} ms after its end`);
    // No write is taken by a session that has ended, whatever is remembered of it.
    assert.ok(ask.do === 'visit' || late <= 0, `node ${node} wrote to ${known.id} ${late} ms after its end`);
    longestServed = Math.max(longestServed, late);
    longestAnswered = Math.max(longestAnswered, decided - endOf(known));
  }
  const ended = [...history.sessions.values()].filter((known) => Number.isFinite(endOf(known)));
  return { ended: ended.length, longestServed, longestAnswered };
}

/** The wall clock may be slewed a little against the monotonic one, in milliseconds. */
const slew = 20;

/** G5, G8: nobody is refused whose sign-in was acknowledged, before an end of the session was asked for or limits it. */
export function checkRefused(history: History, { events }: End): void {
  const limited = new Map(
    events.filter(({ reason }) => reason === 'limit_reached').map(({ sessionId, at }) => [sessionId, at]),
  );
  for (const { ask, answer, from, decided, node } of history.operations) {
    const known = history.of(ask);
    if (known === undefined || answer.is !== 'refused' || from < known.since || known.endAsked <= decided) continue;
    const limitedAt = limited.get(known.id) ?? Number.POSITIVE_INFINITY;
    if (limitedAt <= wallAt(decided) + slew) continue;
    assert.fail(`node ${node} refused ${known.id} to ${ask.do} while it lived: ${answer.code}`);
  }
}

/** G4, G7: what was written is seen at once where it was written, and after the bound everywhere. */
export function checkSeen(history: History, bound: number): void {
  for (const { ask, answer, begun, node } of history.operations) {
    const known = history.of(ask);
    if (known === undefined || answer.is !== 'live') continue;
    const keys = new Set(answer.keys);
    for (const [key, write] of known.written) {
      const late = begun - write.at;
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
    const answers = states.get(known.id) ?? [];
    assert.ok(answers.length > 0, `nobody was asked about ${known.id}`);
    for (const answer of answers) checkState(known, answer, reasons);
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

/**
 * G9: never more sessions of one subject than the limit: not at the end, by what the nodes serve and by what they
 * list, which is the same; nor at any moment of the run, by the order of the events. Answers how many it ended.
 */
export function checkLimit(history: History, { states, lists, events }: End, limit: number): number {
  const live = new Map<string, string[]>();
  for (const { id, subject } of history.sessions.values()) {
    const ids = live.get(subject) ?? [];
    live.set(subject, ids);
    if (states.get(id)?.some(({ is }) => is === 'live')) ids.push(id);
  }
  for (const [subject, ids] of live) {
    const list = lists.get(subject);
    assert.ok(list?.is === 'listed', `${subject} was not listed: ${JSON.stringify(list)}`);
    assert.ok(list.ids.length <= limit, `${subject} has ${list.ids.length} sessions`);
    assert.ok(ids.length <= limit, `${subject} is served ${ids.length} sessions`);
    // One whose sign-in nobody knows of may be listed besides.
    const known = list.ids.filter((id) => history.sessions.has(id));
    assert.deepEqual(known.sort(), ids.sort(), `${subject}: what is listed is not what is served`);
  }
  const counted = new Map<string, number>();
  for (const { type, subject } of events) {
    if (subject === null || (type !== 'signed_in' && !terminal.has(type))) continue;
    const count = (counted.get(subject) ?? 0) + (type === 'signed_in' ? 1 : -1);
    counted.set(subject, count);
    assert.ok(count <= limit, `${subject} had ${count} sessions at a time`);
  }
  return events.filter(({ reason }) => reason === 'limit_reached').length;
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
