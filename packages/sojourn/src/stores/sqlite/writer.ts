import { DatabaseSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { SojournError } from '../../lifecycle/errors.ts';
import * as operations from '../operations.ts';
import type { Answer, Call, WriterSettings } from './channel.ts';
import { pragmas } from './pragmas.ts';
import { SqliteRows } from './rows.ts';

/*
 * The thread that writes. It takes every call that is waiting, runs them in one transaction, a
 * savepoint each, and answers after COMMIT: concurrent writes share a sync and the main thread waits
 * for none.
 */

/** Most operations in one transaction, so that the first of a flood is not kept waiting by the last. */
const mostInBatch = 512;

const settings: WriterSettings = workerData;
const db = new DatabaseSync(settings.path, { timeout: settings.busyTimeout });
db.exec(pragmas.writer);
const rows = new SqliteRows(db);
const port = parentPort;
if (port === null) throw new TypeError('writer.ts runs as a worker thread');

port.on('message', (calls: readonly Call[] | 'close') => {
  const waiting: Call[] = [];
  let message: readonly Call[] | 'close' | undefined = calls;
  while (message !== undefined && message !== 'close') {
    waiting.push(...message);
    message = waiting.length < mostInBatch ? receiveMessageOnPort(port)?.message : undefined;
  }
  for (let from = 0; from < waiting.length; from += mostInBatch) {
    port.postMessage(commit(waiting.slice(from, from + mostInBatch)));
  }
  if (message === 'close') {
    db.close();
    port.close();
  }
});

function commit(calls: readonly Call[]): readonly Answer[] {
  try {
    db.exec('BEGIN IMMEDIATE');
    const answers = calls.map(answer);
    db.exec('COMMIT');
    return answers;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    return calls.map(({ call }) => failed(call, error));
  }
}

function answer(call: Call): Answer {
  db.exec('SAVEPOINT operation');
  try {
    const result = run(call, call.now ?? Date.now());
    db.exec('RELEASE operation');
    return { call: call.call, result };
  } catch (error) {
    db.exec('ROLLBACK TO operation');
    db.exec('RELEASE operation');
    return failed(call.call, error);
  }
}

function run(call: Call, now: number): unknown {
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
      return operations.endAll(rows, now, ...call.args);
    case 'enable':
      return operations.enable(rows, now, call.args[0]);
    case 'setPermissions':
      return operations.setPermissions(rows, now, ...call.args);
    case 'sweep':
      return operations.sweep(rows, now, ...call.args);
    case 'purge':
      return operations.purge(rows, now, ...call.args);
    case 'note':
      return operations.note(rows, now, ...call.args);
  }
}

function failed(call: number, error: unknown): Answer {
  const message = error instanceof Error ? error.message : String(error);
  const sessionId = error instanceof SojournError ? error.sessionId : undefined;
  return { call, error: sessionId === undefined ? { message } : { message, sessionId } };
}
