import { DatabaseSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { SojournError } from '../../lifecycle/errors.ts';
import * as operations from '../operations.ts';
import type { InParts } from '../parts.ts';
import { isBusy, sleep } from './busy.ts';
import type { Answer, Call, WriterSettings } from './channel.ts';
import { pragmas } from './pragmas.ts';
import { SqliteRows } from './rows.ts';

/*
 * The thread that writes. It takes every call that is waiting, runs them in one transaction, a
 * savepoint each, and answers after COMMIT: concurrent writes share a sync and the main thread waits
 * for none. Of one that writes very many sessions it runs a part, and the next one in a later transaction.
 */

/** Most operations in one transaction, so that the first of a flood is not kept waiting by the last. */
const mostInBatch = 512;
/** How often a writer that waits for another process asks for the file, in milliseconds. */
const askEvery = 1;
/** Most milliseconds a writer leaves the file to others after a batch, and the share of that batch's time. */
const longestPause = 2;
const pauseShare = 0.25;

const settings: WriterSettings = workerData;
const db = new DatabaseSync(settings.path, { timeout: settings.busyTimeout });
db.exec(pragmas.writer);
// From here on `begin` waits by itself.
db.exec('PRAGMA busy_timeout = 0');
const rows = new SqliteRows(db);
const dataVersion = db.prepare('PRAGMA data_version');
let seenVersion = 0;
/** When the last batch got the file, and how soon the next may ask for it. */
let begun = 0;
let notBefore = 0;
const port = parentPort;
if (port === null) throw new TypeError('writer.ts runs as a worker thread');

interface Work {
  readonly call: Call;
  /** What is left of it, once it has begun. */
  parts: InParts<unknown> | null;
}

port.on('message', (message: readonly Call[] | 'close') => {
  const waiting: Work[] = [];
  let closing = false;
  const take = (given: readonly Call[] | 'close'): void => {
    if (given === 'close') closing = true;
    else waiting.push(...given.map((call) => ({ call, parts: null })));
  };
  take(message);
  while (waiting.length > 0) {
    while (waiting.length < mostInBatch) {
      const more = receiveMessageOnPort(port)?.message;
      if (more === undefined) break;
      take(more);
    }
    const { answers, taken } = commit(waiting.slice(0, mostInBatch));
    port.postMessage(answers);
    // What has another part goes behind all that has come meanwhile.
    waiting.push(...waiting.splice(0, taken).filter(({ parts }) => parts !== null));
    leaveTurn();
  }
  if (closing) {
    db.close();
    port.close();
  }
});

/**
 * Takes the file for writing. SQLite's own waiting sleeps ever longer, and who sleeps long misses every
 * gap that a busy process leaves; so we ask often, and leave gaps while others write.
 */
function begin(): void {
  const asked = performance.now();
  if (asked < notBefore) sleep(notBefore - asked);
  for (;;) {
    try {
      db.exec('BEGIN IMMEDIATE');
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() - asked >= settings.busyTimeout) throw error;
    }
    sleep(askEvery);
  }
}

/** Another process has written since the last batch: it gets its turn before our next. */
function leaveTurn(): void {
  const version = Number(dataVersion.get()?.['data_version']);
  const ended = performance.now();
  notBefore = version === seenVersion ? 0 : ended + Math.min(longestPause, (ended - begun) * pauseShare);
  seenVersion = version;
}

/** As many as there is time for: one part of those that write in parts ends it. */
function commit(waiting: readonly Work[]): { answers: readonly Answer[]; taken: number } {
  const answers: Answer[] = [];
  let taken = 0;
  try {
    begin();
    begun = performance.now();
    for (const work of waiting) {
      taken += 1;
      const answered = answer(work);
      if (answered === null) break;
      answers.push(answered);
    }
    db.exec('COMMIT');
    return { answers, taken };
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    const lost = taken === 0 ? waiting : waiting.slice(0, taken);
    for (const work of lost) work.parts = null;
    return { answers: lost.map(({ call }) => failed(call.call, error)), taken: lost.length };
  }
}

/** `null`: another part is to come. */
function answer(work: Work): Answer | null {
  const { call } = work;
  const now = call.now ?? Date.now();
  db.exec('SAVEPOINT operation');
  try {
    work.parts ??= steps(call, now);
    const { done, value } = work.parts.next(now);
    db.exec('RELEASE operation');
    if (!done) return null;
    work.parts = null;
    return { call: call.call, result: value };
  } catch (error) {
    db.exec('ROLLBACK TO operation');
    db.exec('RELEASE operation');
    work.parts = null;
    return failed(call.call, error);
  }
}

function* steps(call: Call, now: number): InParts<unknown> {
  switch (call.name) {
    case 'create':
      return operations.create(rows, now, ...call.args);
    case 'update':
      return operations.update(rows, now, ...call.args);
    case 'touch':
      return operations.touch(rows, ...call.args);
    case 'end':
      return operations.end(rows, now, ...call.args);
    case 'endAll':
      return yield* operations.endAll(rows, now, ...call.args);
    case 'enable':
      return operations.enable(rows, now, ...call.args);
    case 'setPermissions':
      return operations.setPermissions(rows, now, ...call.args).length;
    case 'sweep':
      return yield* operations.sweep(rows, now, ...call.args);
    case 'purge':
      return yield* operations.purge(rows, now, ...call.args);
    case 'adopt':
      return operations.adopt(rows, now, ...call.args);
    case 'note':
      return operations.note(rows, now, ...call.args);
  }
}

function failed(call: number, error: unknown): Answer {
  const message = error instanceof Error ? error.message : String(error);
  const sessionId = error instanceof SojournError ? error.sessionId : undefined;
  return { call, error: sessionId === undefined ? { message } : { message, sessionId } };
}
