import { listOf, type Send } from './client.ts';
import { everyPartition, ifReadable } from './events.ts';
import type { Keys } from './keys.ts';
import { run } from './scripts.ts';

/** What one process has claimed to sweep is another's again after this long. */
const claimFor = 30_000;

/** Finds what is due, a partition at a time, and forgets old events. */
export class Sweeping {
  readonly #send: Send;
  readonly #keys: Keys;
  readonly #given: (() => number) | null;
  /** Partitions in which something was due when all were last counted, and all of it is not yet claimed. */
  #waiting: readonly number[] = [];

  constructor(send: Send, keys: Keys, given: (() => number) | null) {
    this.#send = send;
    this.#keys = keys;
    this.#given = given;
  }

  /** Up to `most` of one partition's that are due. `more`: others wait. */
  async claim(now: number, most: number): Promise<{ ids: string[]; partition: number; more: boolean }> {
    if (this.#waiting.length === 0) this.#waiting = await this.#count(now);
    for (const partition of this.#waiting) {
      const args = [String(this.#given?.() ?? ''), String(most), String(claimFor)];
      const ids = listOf(await run(this.#send, 'claim', [this.#keys.due(partition)], args));
      if (ids.length < most) this.#waiting = this.#waiting.filter((one) => one !== partition);
      if (ids.length === 0) continue;
      return { ids: ids.filter((id) => id !== null), partition, more: this.#waiting.length > 0 };
    }
    return { ids: [], partition: 0, more: false };
  }

  async #count(now: number): Promise<number[]> {
    const counts = await Promise.all(
      everyPartition.map((partition) => this.#send('ZCOUNT', this.#keys.due(partition), '-inf', String(now))),
    );
    return everyPartition.filter((partition) => Number(counts[partition]) > 0);
  }

  /** Removes up to `most` events of each partition; answers how many in all. */
  async forget(before: number, most: number): Promise<number> {
    const removed = await Promise.all(everyPartition.map((partition) => this.#forgetIn(partition, before, most)));
    return removed.reduce((sum, count) => sum + count, 0);
  }

  async #forgetIn(partition: number, before: number, most: number): Promise<number> {
    const list = this.#keys.events(partition);
    const read = async (last: number) => listOf(await this.#send('ZRANGE', list, '0', String(last))).map(ifReadable);
    const [first] = await read(0);
    if (first === undefined || (first !== null && first.event.at >= before)) return 0;
    const oldest = await read(most - 1);
    const kept = oldest.findIndex((one) => one !== null && one.event.at >= before);
    // What cannot be read goes with what comes after it.
    const last = (kept === -1 ? oldest : oldest.slice(0, kept)).filter((one) => one !== null).at(-1);
    if (last === undefined) return 0;
    const place = [String(last.number), last.mark];
    return Number(await run(this.#send, 'forget', [list, this.#keys.counts(partition)], place));
  }
}
