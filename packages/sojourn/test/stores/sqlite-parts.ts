import { DatabaseSync } from 'node:sqlite';
import type { Store } from '../../src/lifecycle/ports.ts';
import * as operations from '../../src/stores/operations.ts';
import type { InParts } from '../../src/stores/parts.ts';
import type { Rows } from '../../src/stores/rows.ts';
import { SqliteRows } from '../../src/stores/sqlite/rows.ts';
import { sqlite } from '../../src/stores/sqlite/sqlite.ts';
import { temporary } from '../temporary.ts';
import { type Commits, Holding } from './commits.ts';

/** The writing thread's parts, one at a time and in this thread, so that a test can say what comes between two. */
export async function onSqlite(): Promise<Commits> {
  const holding = new Holding();
  const close: (() => unknown)[] = [];
  return {
    async open(now = Date.now) {
      const path = temporary('sessions.db');
      const other = sqlite(path, { now });
      const db = new DatabaseSync(path);
      close.push(
        () => other.close(),
        () => db.close(),
      );
      return { store: inSteps(other, db, holding, now), other };
    },
    hold: (until) => holding.hold(until),
    time: async () => Date.now(),
    async stop() {
      for (const one of close) await one();
    },
  };
}

function inSteps(store: Store, db: DatabaseSync, holding: Holding, now: () => number): Store {
  const rows = new SqliteRows(db);
  const run = async <T>(operation: (rows: Rows, now: number) => InParts<T>): Promise<T> => {
    const parts = operation(rows, now());
    for (;;) {
      await holding.before(true);
      db.exec('BEGIN IMMEDIATE');
      try {
        const { done, value } = parts.next(now());
        db.exec('COMMIT');
        if (done) return value;
      } catch (error) {
        db.exec('ROLLBACK');
        throw error;
      }
    }
  };
  return {
    ...store,
    endAll: (...given) => run((rows, at) => operations.endAll(rows, at, ...given)),
    purge: (...given) => run((rows, at) => operations.purge(rows, at, ...given)),
    setPermissions: (...given) => store.setPermissions(...given),
    // Of a class, whose methods a copy does not have.
    list: (subject) => store.list(subject),
    subject: (subject) => store.subject(subject),
  };
}
