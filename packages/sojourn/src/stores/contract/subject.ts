import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Created, CreateOptions, Store, UpdateOptions } from '../../lifecycle/ports.ts';
import type { NewSession, SessionRecord } from '../../lifecycle/session.ts';

/** A store under the contract. */
export interface Opened {
  readonly store: Store;
  /** Another process's view of the same sessions; absent where an engine lives in one process. */
  readonly another?: () => Promise<Store>;
  /** Closes the store and opens what it had written; absent where nothing is durable. */
  readonly reopen?: () => Promise<Store>;
}

/** Opens an empty store whose engine's time is what `now` says. */
export type Open = (now: () => number) => Promise<Opened>;

/** What one test of the contract works with. */
export interface Fixture extends Opened {
  /** The engine's time, to be moved. */
  readonly clock: { now: number };
  /** Says why the behaviour was not tried. */
  skip(why: string): void;
}

const start = Date.UTC(2026, 0, 1);
export const minute = 60_000;
export const hour: number = 60 * minute;

/** One behaviour that every store must have, on a store of its own. */
export function behaviour(name: string, open: Open, title: string, run: (fixture: Fixture) => Promise<void>): void {
  test(`${title} [${name}]`, async (t) => {
    const clock = { now: start };
    const opened = await open(() => clock.now);
    try {
      await run({ ...opened, clock, skip: (why) => t.skip(why) });
    } finally {
      await opened.store.close();
    }
  });
}

/** A fresh id for a write. */
export function operation(): string {
  return randomBytes(9).toString('base64url');
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

export function newSession(subject: string | null, more: Partial<NewSession> = {}): NewSession {
  const partition = subject === null ? 'A' : digest(subject).charAt(0);
  return {
    id: partition + randomBytes(16).toString('base64url'),
    subject,
    permissions: [],
    factors: [],
    kind: subject === null ? 'anonymous' : 'standard',
    idleTimeout: 30 * minute,
    lifetime: 12 * hour,
    secretHash: digest(randomBytes(32).toString('base64url')),
    generation: 1,
    retired: [],
    formKey: 'form-key',
    operation: operation(),
    data: '{}',
    ...more,
  };
}

export function creating(more: Partial<CreateOptions> = {}): CreateOptions {
  return {
    operation: operation(),
    checkedAt: start + 1,
    limit: { most: 1000, over: 'end-oldest' },
    mostAnonymous: 1000,
    kinds: {
      anonymous: { idle: 30 * minute, absolute: 2 * hour },
      standard: { idle: 30 * minute, absolute: 40 * hour },
      remembered: { idle: 30 * minute, absolute: 40 * hour },
    },
    ...more,
  };
}

export function writing(more: Partial<UpdateOptions> = {}): UpdateOptions {
  return { operation: operation(), seenAt: 0, events: [], ...more };
}

/** Creates a session that must come about. */
export async function created(
  store: Store,
  subject: string | null,
  more: Partial<NewSession> = {},
  options: Partial<CreateOptions> = {},
): Promise<SessionRecord> {
  const result = await store.create(newSession(subject, more), creating({ checkedAt: store.now() + 1, ...options }));
  return recordOf(result);
}

export function recordOf(result: Created): SessionRecord {
  if (result.outcome !== 'created') throw new Error(`not created: ${result.outcome}`);
  return result.record;
}

/** The session as the store has it; it must be known. */
export async function found(store: Store, id: string): Promise<SessionRecord> {
  const record = await store.find(id);
  if (record === null) throw new Error(`${id} is not known`);
  return record;
}

/** Every event so far, oldest first within a partition. */
export async function allEvents(
  store: Store,
  after: string | null = null,
): Promise<Awaited<ReturnType<Store['events']>>['events']> {
  const page = await store.events(after, 10_000);
  return page.events;
}

/** A small generator with a seed, so that a failing order can be had again. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
