import { skipWithout } from '../../packages/sojourn/test/stores/process.ts';

export interface Mutant {
  readonly bug: string;
  /** Of packages/sojourn/src. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** Of packages/sojourn: what must find it. */
  readonly tests: readonly string[];
  readonly pattern: string;
  /** In the title of the test that must be among those that fail. */
  readonly by: string;
  /** What it must have said. */
  readonly says?: RegExp;
  readonly env?: Readonly<Record<string, string>>;
  readonly skip?: string | false;
}

const redis = skipWithout('redis-server');
const postgres = skipWithout('initdb', 'postgres');

export const mutants: readonly Mutant[] = [
  {
    bug: 'a fill without a version: what a change overtook is remembered',
    file: 'cache/cache.ts',
    from: 'if (this.#dropsOf(id) === drops) this.#entries.set(record, at);',
    to: 'if (drops >= 0) this.#entries.set(record, at);',
    tests: ['test/interleaving/near.test.ts'],
    pattern: 'every order',
    by: 'G3: a fill, an ending elsewhere and a beat',
  },
  {
    bug: 'a beat that is only a read: a primary that was cut off goes on proving',
    file: 'stores/redis/scripts.ts',
    from: "redis.call('HSET', KEYS[1], 'beat', time)\n",
    to: '',
    tests: ['test/stores/redis-cut-off.test.ts'],
    pattern: 'cut off',
    by: 'though it answers and publishes',
    skip: redis,
  },
  {
    bug: 'a beat on PostgreSQL that waits for no standby: a primary whose place was taken goes on proving',
    file: 'stores/postgres/reads.ts',
    from: "written := pg_logical_emit_message(true, 'sojourn', '')",
    to: 'PERFORM pg_current_xact_id()',
    tests: ['test/stores/postgres-own.test.ts'],
    pattern: 'standby',
    by: 'waits for a standby which is gone proves nothing',
    skip: postgres,
  },
  {
    bug: 'a secret is handed out from memory that was given up elsewhere',
    file: 'lifecycle/track.ts',
    from: 'if (offers || !admits(standing.is) || expiryOf(record, life.policy, now)) {',
    to: 'if (!admits(standing.is) || expiryOf(record, life.policy, now)) {\n    void offers;',
    tests: ['src/lifecycle/near.test.ts'],
    pattern: 'G13',
    by: 'G13: a secret that waits is not handed out from memory',
  },
  {
    bug: 'old entries are kept over a reconnect to a primary that lost writes and has counted on',
    file: 'stores/changes.ts',
    from: 'since.length === log.counter - from && markAt(log, from) === mark ? since : null',
    to: "since.length === log.counter - from && mark !== '?' ? since : null",
    tests: ['src/stores/changes.test.ts', 'test/stores/redis-cut-off.test.ts'],
    pattern: 'counted on',
    by: 'G7: a primary that lost the last writes and has counted on empties',
    skip: redis,
  },
  {
    bug: 'a gap in what changed is passed over',
    file: 'stores/changes.ts',
    from: 'since.length === log.counter - from && markAt',
    to: 'since.length <= log.counter - from && markAt',
    tests: ['src/stores/changes.test.ts'],
    pattern: '',
    by: 'G7: a gap loses the partition',
  },
  {
    bug: 'the proof counts from when the answer came',
    file: 'cache/proof.ts',
    from: '(beat) => this.#proved(beat, elapsed, wall),',
    to: '(beat) => this.#proved(beat, this.#clock.elapsed(), this.#clock.now()),',
    tests: ['src/cache/cache.test.ts'],
    pattern: 'G7',
    by: 'G7: a beat that hangs proves nothing',
  },
  {
    bug: 'one clock only: a machine that was suspended serves what it remembers',
    file: 'cache/proof.ts',
    from: '&& wall >= 0 && wall < this.bound;',
    to: '&& wall !== Number.NaN;',
    tests: ['src/cache/cache.test.ts'],
    pattern: 'G7',
    by: 'G7: a process that was stopped proves again first',
  },
  {
    bug: 'a silent primary of a cluster is proved by the others',
    file: 'cache/proof.ts',
    from: 'if (beat.unproved.includes(partition)) continue;',
    to: '',
    tests: ['src/cache/forgetting.test.ts'],
    pattern: 'silent primary',
    by: 'G7: what a silent primary holds is not proved',
  },
  {
    bug: 'what a transaction asks for is answered from outside of it, and remembered',
    file: 'cache/cache.ts',
    from: '(tx === undefined ? this.#find(id) : engine.find(id, tx))',
    to: 'this.#find(id)',
    tests: ['src/cache/forgetting.test.ts'],
    pattern: 'transaction',
    by: 'what a transaction reads comes from the engine',
  },
  {
    bug: 'no bound: what was proved once is served for ever',
    file: 'cache/proof.ts',
    from: 'if (!this.#beating) this.#beat();\n    return proved;',
    to: 'if (!this.#beating) this.#beat();\n    return proved || Number.isFinite(this.#elapsed[partition] ?? Number.NaN);',
    tests: ['test/faults/faults.test.ts'],
    pattern: '\\[redis\\]',
    by: 'what four processes were told under faults',
    says: /served \S+ to visit \d\S* ms after its end/,
    env: { FAULT_SECONDS: '1', FAULT_ONLY: 'answers stall' },
    skip: process.env['REDIS_URL'] ? 'these tests stop their servers' : redis,
  },
  {
    bug: 'a read without a proof: a primary whose place was taken is believed that a session lives',
    file: 'cache/proved-reads.ts',
    from: 'if (record === null || record.ending) return record;',
    to: 'if (record === null || record.id) return record;',
    tests: ['test/faults/split.test.ts'],
    pattern: 'two primaries',
    by: 'G7: in a split with two primaries',
    says: /node [01] served \S+ to visit \d\S* ms after its end/,
    skip: process.env['REDIS_URL'] ? 'these tests stop their servers' : redis,
  },
  {
    bug: 'a verdict from memory: a token that was rotated elsewhere is refused',
    file: 'lifecycle/track.ts',
    from: 'if (offers || !admits(standing.is) || expiryOf(record, life.policy, now)) {',
    to: 'if (offers || (expiryOf(record, life.policy, now) && !admits(standing.is))) {',
    tests: ['src/lifecycle/near.test.ts'],
    pattern: '',
    by: 'a token that was rotated elsewhere is not refused',
  },
  {
    bug: 'an upsert: an update brings an ended session back',
    file: 'stores/operations/track.ts',
    from: `if (found === null || found.ending) return { outcome: 'gone' };
  if (found.operation === operation) return { outcome: 'updated', record: found };
  const current = seenAt > found.lastSeenAt && seenAt < liveUntil(found) ? { ...found, lastSeenAt: seenAt } : found;
  if (!isLive(current, now)) return { outcome: 'gone' };
  if (current.version !== version) return { outcome: 'conflict' };`,
    // What lives is judged as before: only what has ended is written all the same.
    to: `if (found === null) return { outcome: 'gone' };
  if (found.operation === operation) return { outcome: 'updated', record: found };
  const { ending: ended, ...unended } = found;
  const current = seenAt > found.lastSeenAt && seenAt < liveUntil(found) ? { ...unended, lastSeenAt: seenAt } : unended;
  if (!ended && !isLive(current, now)) return { outcome: 'gone' };
  if (!ended && current.version !== version) return { outcome: 'conflict' };`,
    tests: ['test/interleaving/interleavings.test.ts'],
    pattern: 'G3: sign-out against writing.*every order.*memory',
    by: 'G3: sign-out against writing requests',
  },
  {
    bug: 'the index by subject is written apart from the session',
    file: 'stores/memory.ts',
    from: 'this.#bySubject.set(record.subject, ids.add(record.id));',
    to: 'this.#bySubject.set(record.subject, ids);\n    queueMicrotask(() => ids.add(record.id));',
    tests: ['src/stores/memory.test.ts'],
    pattern: 'G9',
    by: 'G9: the limit holds under parallel sign-ins',
  },
  {
    bug: 'a sign-in that does not say when it was checked lands after a password change',
    file: 'stores/operations/create.ts',
    from: 'if (refused) return { outcome: refused };',
    to: "if (refused && options.checkedAt < 0) return { outcome: 'subject_changed' };",
    tests: ['src/stores/memory.test.ts'],
    pattern: 'G10',
    by: 'G10: ending all spares one',
  },
];
