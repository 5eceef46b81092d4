import assert from 'node:assert/strict';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { processorTime } from '../processor-time.ts';
import { user } from '../route/people.ts';
import type { Listener } from './apps.ts';
import { answered, exchangesOf } from './exchange.ts';

/** Requests that are handled before the loop turns, as with as many connections. */
const atOnce = 32;

/** Nanoseconds of processor time for one request, over `count` of them: enough that each turn collects its own garbage. */
export async function timed(listener: Listener, cookie: string, count: number): Promise<number> {
  const next = exchangesOf(cookie);
  const before = processorTime();
  for (let i = 0; i < count; i++) {
    const { request, response } = next();
    const handled = listener(request, response);
    if (handled instanceof Promise) handled.catch(fail);
    if (i % atOnce === 0) await turnOfTheLoop();
  }
  return (processorTime() - before) / count;
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}

/** A route that answers wrongly is not measured. */
export async function check(name: string, listener: Listener, cookie: string): Promise<void> {
  const ask = async (sent: string): Promise<string> => {
    const { request, response } = exchangesOf(sent)();
    listener(request, response);
    await turnOfTheLoop();
    return answered(response);
  };
  const answer = await ask(cookie);
  assert.match(answer, /^HTTP\/1.1 200 /, name);
  assert.match(answer, new RegExp(`{"user":"${user(0)}"}`), name);
  if (name.endsWith('bare')) return;
  assert.match(answer, /cache-control: no-store/i, name);
  assert.match(await ask('other=1'), /^HTTP\/1.1 401 /, `${name} without a cookie`);
}
