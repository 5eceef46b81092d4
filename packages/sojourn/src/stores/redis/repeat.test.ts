import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { stamped } from '../../lifecycle/session.ts';
import { minute, newSession, operation } from '../contract/subject.ts';
import * as operations from '../operations.ts';
import type { Loaded, Stage } from '../staged/engine.ts';
import { StagedRows } from '../staged/rows.ts';
import { Endings } from './repeat.ts';

/* What is remembered, and how long; that it is said again is proved on servers (test/stores/redis-repeat.test.ts). */

const now = Date.UTC(2026, 0, 1);

function loaded(sessions: readonly SessionRecord[]): Loaded {
  return { now, sessions, subjects: new Map(), anonymous: 0, due: [], more: false, unreadable: [] };
}

function decided(record: SessionRecord, decide: (rows: StagedRows) => unknown): Stage {
  const rows = new StagedRows(loaded([record]));
  decide(rows);
  const stage = rows.stage();
  assert.ok(stage);
  return stage;
}

function ended(by: string, record: SessionRecord = stamped(newSession('u1'), now)): Stage {
  const options = { reason: 'signed_out', by, operation: operation() } as const;
  return decided(record, (rows) => operations.end(rows, now, record.id, options));
}

/** An engine that has no session any more and writes down which it was asked for. */
class Empty {
  readonly name = 'empty';
  readonly asked: string[] = [];
  elapsed = 0;
  names: string[] = ['a'];
  all = true;
  readonly endings: Endings = new Endings({
    engine: this,
    primaries: async () => ({ names: this.names, all: this.all }),
    elapsed: () => this.elapsed,
  });

  now(): number {
    return now;
  }

  async load({ ids = [] }: { ids?: readonly string[] }): Promise<Loaded> {
    this.asked.push(...ids);
    return loaded([]);
  }

  async commit(): Promise<boolean> {
    return true;
  }

  async commitEach(): Promise<readonly boolean[]> {
    return [];
  }
}

test('an ending is remembered for five minutes of the same primary, and asked for of another (G3)', async () => {
  const engine = new Empty();
  const { endings } = engine;
  await endings.look();
  const stage = ended('u1');
  endings.remember(stage);
  engine.elapsed = 5 * minute - 1;
  await endings.look();
  assert.deepEqual([endings.size, engine.asked], [1, []]);

  // Cut off for an hour: who answers then may be another.
  engine.elapsed += 60 * minute;
  engine.names = ['b'];
  await endings.look();
  assert.deepEqual(
    engine.asked,
    stage.replace.map(({ id }) => id),
  );
  await endings.look();
  assert.equal(endings.size, 0);
  endings.stop();
});

test('while a primary is silent nothing is forgotten', async () => {
  const engine = new Empty();
  const { endings } = engine;
  await endings.look();
  endings.remember(ended('u1'));
  engine.elapsed = 6 * minute;
  engine.all = false;
  await endings.look();
  assert.equal(endings.size, 1);
  endings.stop();
});

test('what the clock has ended ends again by itself, and what only changed has not ended', () => {
  const { endings } = new Empty();
  const record = stamped(newSession('u1'), now);
  const write = { operation: operation(), seenAt: now, events: [] };
  endings.remember(ended('clock'));
  endings.remember(decided(record, (rows) => operations.update(rows, now, record.id, 1, { data: '{"n":1}' }, write)));
  assert.equal(endings.size, 0);
});

test('a hundred thousand are remembered at most: the newest', async () => {
  const engine = new Empty();
  const { endings } = engine;
  const [first, last] = [ended('u1'), ended('u1')];
  endings.remember(first);
  const template = ended('u1');
  const [record] = template.replace;
  const [told] = template.events;
  assert.ok(record && told);
  for (let i = 0; i < 100_000; i++) {
    const id = `A${i}`;
    const events = [{ ...told, event: { ...told.event, sessionId: id } }];
    endings.remember({ ...template, replace: [{ ...record, id }], events });
  }
  endings.remember(last);
  assert.equal(endings.size, 100_000);
  await endings.repeat();
  assert.equal(engine.asked.length, 100_000);
  assert.equal(engine.asked[0], last.replace[0]?.id);
  assert.ok(!engine.asked.includes(first.replace[0]?.id ?? ''));
  endings.stop();
});

test('of some partitions only their own are repeated', async () => {
  const engine = new Empty();
  const { endings } = engine;
  const [one, other] = ['A', 'B'].map((letter) => {
    const record = stamped(newSession('u1', { id: `${letter}${newSession('u1').id.slice(1)}` }), now);
    return ended('u1', record);
  });
  assert.ok(one && other);
  endings.remember(one);
  endings.remember(other);
  await endings.repeat([0]);
  assert.deepEqual(
    engine.asked,
    one.replace.map(({ id }) => id),
  );
  endings.stop();
});
