import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkEnded,
  checkEvents,
  checkKept,
  checkLimit,
  checkRefused,
  checkSeen,
  type End,
  type Served,
} from './checker.ts';
import { History } from './history.ts';
import { wallAt } from './machine.ts';
import type { Answer, Ask, ToldEvent } from './protocol.ts';

/* Small histories written by hand: the checker passes the good one, and finds what is wrong with each of the others. */

const bound = 1000;
const limit = 2;
const nodeCount = 2;
const refused: Answer = { is: 'refused', code: 'session_terminated' };

/** A history as it is told, in milliseconds from its beginning. It ends with what is said of it there. */
class Story {
  readonly history: History = new History();
  readonly states: Map<string, Answer[]> = new Map();
  readonly lists: Map<string, Answer> = new Map();
  events: ToldEvent[] = [];
  /** What the consumer read, if not all. */
  heard: ToldEvent[] | null = null;

  op(ask: Ask, answer: Answer, begun: number, { node = 0, decided = begun + 1 } = {}): this {
    this.history.add({ node, ask, from: begun, begun, decided, answer });
    return this;
  }

  signIn(id: string, at: number, subject = 'u1'): this {
    this.event(id, 'signed_in', at, { subject });
    this.states.set(id, Array(nodeCount).fill(live()));
    return this.op({ do: 'signIn', subject }, { is: 'signedIn', id, token: `token of ${id}` }, at);
  }

  visit(id: string, answer: Answer, begun: number, more: { node?: number; decided?: number } = {}): this {
    return this.op({ do: 'visit', token: `token of ${id}` }, answer, begun, more);
  }

  write(id: string, key: string, begun: number): this {
    return this.op({ do: 'write', token: `token of ${id}`, key }, { is: 'done' }, begun);
  }

  signOut(id: string, begun: number): this {
    this.op({ do: 'signOut', token: `token of ${id}` }, { is: 'done' }, begun);
    return this.over(id, begun, 'signed_out');
  }

  /** It ended: so say every node and the events. */
  over(id: string, at: number, reason: string, subject = 'u1'): this {
    this.states.set(id, Array(nodeCount).fill(refused));
    return this.event(id, 'terminated', at, { reason, subject });
  }

  event(
    sessionId: string,
    type: string,
    at: number,
    { subject = 'u1', reason }: { subject?: string; reason?: string },
  ): this {
    const told = { cursor: `${this.events.length}`, type, at: wallAt(at), sessionId, subject, reason };
    this.events.push(told);
    this.history.told(told, at + 1);
    return this;
  }

  listed(subject: string, ...ids: string[]): this {
    this.lists.set(subject, { is: 'listed', ids });
    return this;
  }

  check(): Served {
    const { history, events, states, lists } = this;
    const end: End = { events, states, lists };
    const served = checkEnded(history, end, bound);
    checkRefused(history, end);
    checkSeen(history, bound);
    checkKept(history, end);
    checkLimit(history, end, limit);
    checkEvents(history, end, this.heard ?? events);
    return served;
  }
}

function live(...keys: string[]): Answer {
  return { is: 'live', keys };
}

/** `a` is signed out, `b` is ended by the limit, `c` and `d` live. */
function good(): Story {
  const story = new Story()
    .signIn('a', 0)
    .write('a', 'k', 5)
    .visit('a', live('k'), 10)
    .visit('a', live(), 500, { node: 1 })
    .signOut('a', 1000)
    .visit('a', live('k'), 1900, { node: 1 })
    .visit('a', refused, 1950)
    .signIn('b', 2000)
    .signIn('c', 2100)
    .over('b', 2200, 'limit_reached')
    .signIn('d', 2200)
    .visit('b', refused, 2300)
    .visit('c', live(), 2300);
  return story.listed('u1', 'c', 'd');
}

test('a good history passes', () => {
  const { ended, longestServed, longestAnswered } = good().check();
  assert.deepEqual([ended, longestServed, longestAnswered], [2, 899, 900]);
});

test('what was looked up before the end may be answered after the bound', () => {
  const served = good().visit('a', live('k'), 990, { node: 1, decided: 3000 }).check();
  assert.deepEqual([served.longestServed, served.longestAnswered], [899, 1999]);
});

const bad: Readonly<Record<string, readonly [RegExp, (story: Story) => unknown]>> = {
  'an ended session is served after the bound': [
    /served a to visit 1001 ms after its end/,
    (story) => story.visit('a', live('k'), 2002, { node: 1 }),
  ],
  'a session that the limit ended is served after the bound': [
    /served b to visit 1001 ms after its end/,
    (story) => story.visit('b', live(), 3202, { node: 1 }),
  ],
  'an ended session is written to': [/wrote to a 1 ms after its end/, (story) => story.write('a', 'l', 1002)],
  'a session is refused while it lives': [
    /refused c to visit while it lived/,
    (story) => story.visit('c', refused, 2400),
  ],
  'a write is refused while its session lives': [
    /refused c to write while it lived/,
    (story) => story.op({ do: 'write', token: 'token of c', key: 'l' }, refused, 2400),
  ],
  'a session is refused before its end was asked for': [
    /refused a to visit while it lived/,
    (story) => story.visit('a', refused, 900),
  ],
  'a session is refused before the limit ended it': [
    /refused b to visit while it lived/,
    (story) => story.visit('b', refused, 2100),
  ],
  'a write is not seen where it was written': [
    /without k, 494 ms after node 0/,
    (story) => story.visit('a', live(), 500),
  ],
  'a write is not seen elsewhere after the bound': [
    /node 1 served c without l, 1099 ms after node 0/,
    (story) => {
      story.write('c', 'l', 2400).visit('c', live(), 3500, { node: 1 });
      story.states.set('c', [live('l'), live('l')]);
    },
  ],
  'a sign-in is lost': [/c was lost: nothing tells of its end/, (story) => story.states.set('c', [refused, refused])],
  'a node knows nothing of a session': [/nobody was asked about c/, (story) => story.states.delete('c')],
  'a node cannot say what has become of a session': [
    /c: {"is":"unknown","why":"x"}/,
    (story) => story.states.set('c', [live(), { is: 'unknown', why: 'x' }]),
  ],
  'an ending is lost': [
    /a lives although its end was acknowledged/,
    (story) => story.states.set('a', [live('k'), live('k')]),
  ],
  'what is told to have ended lives': [
    /b lives although it is told to have ended/,
    (story) => story.states.set('b', [refused, live()]),
  ],
  'a write is lost': [/c lost l/, (story) => story.write('c', 'l', 2400)],
  'a write comes from nowhere': [/c has l from nowhere/, (story) => story.states.set('c', [live('l'), live('l')])],
  'a write was applied twice': [
    /c has something twice/,
    (story) => story.write('c', 'l', 2400).states.set('c', [live('l', 'l'), live('l', 'l')]),
  ],
  'a session ends for what nobody asked for': [
    /c ended for signed_out, which nobody asked for/,
    (story) => story.over('c', 2400, 'signed_out'),
  ],
  'a subject has more sessions at the end than the limit, by the list': [
    /u1 has 3 sessions/,
    (story) => story.listed('u1', 'c', 'd', 'e'),
  ],
  'a subject is served more sessions than the limit': [
    /u1 is served 3 sessions/,
    (story) => {
      story.events = story.events.filter(({ sessionId }) => sessionId !== 'b');
      story.event('b', 'signed_in', 2000, {});
      story.states.set('b', [live(), live()]);
      story.history.operations.pop();
      story.history.operations.pop();
    },
  ],
  'what is listed is not what is served': [/what is listed is not what is served/, (story) => story.listed('u1', 'c')],
  'a subject cannot be listed': [/u1 was not listed/, (story) => story.lists.set('u1', refused)],
  'a subject has more sessions in between than the limit': [
    /u1 had 3 sessions at a time/,
    (story) => {
      const [over] = story.events.splice(4, 1);
      if (over) story.events.push(over);
    },
  ],
  'a session ends twice': [/a ended for signed_out signed_out/, (story) => story.over('a', 2400, 'signed_out')],
  'a session has two endings of different kinds': [
    /a ended for signed_out session_expired_idle/,
    (story) => story.event('a', 'expired', 2400, { reason: 'session_expired_idle' }),
  ],
  'a session ends before it begins': [
    /a ended before it began/,
    (story) => story.events.unshift(...story.events.splice(1, 1)),
  ],
  'nothing tells of a beginning': [/nothing tells that c began/, (story) => story.events.splice(3, 1)],
  'the consumer misses an ending': [
    /a: told to have ended: false, live: false/,
    (story) => {
      story.heard = story.events.filter(({ sessionId, type }) => sessionId !== 'a' || type === 'signed_in');
    },
  ],
  'the consumer reads an ending twice': [
    /a ended twice/,
    (story) => {
      story.heard = [...story.events, ...story.events.filter(({ sessionId }) => sessionId === 'a')];
    },
  ],
};

for (const [name, [message, spoil]] of Object.entries(bad)) {
  test(`found: ${name}`, () => {
    const story = good();
    spoil(story);
    assert.throws(() => story.check(), message);
  });
}
