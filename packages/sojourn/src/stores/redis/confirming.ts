import { setTimeout as after } from 'node:timers/promises';
import { SojournError } from '../../lifecycle/errors.ts';
import { isUnknownScript, scriptCommand } from './scripts.ts';
import type { Together, WaitReplicas } from './together.ts';

/** Commits that are sent in one pipeline. */
const mostAtOnce = 100;
/** Longer than WAIT was to take, nobody is kept waiting for a connection that does not answer. */
const patience = 1000;

interface Commit {
  readonly keys: readonly string[];
  readonly args: readonly string[];
  readonly resolve: (written: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Commits, each acknowledged once enough replicas have it. WAIT keeps all else on its connection waiting:
 * so what comes while one is under way is sent together after it, with one WAIT for all.
 */
export class Confirming {
  readonly #together: Together;
  readonly #wait: WaitReplicas;
  readonly #laneOf: (key: string) => string;
  /** What waits for the pipeline under way, by what can be sent together. */
  readonly #lanes = new Map<string, Commit[]>();

  constructor(together: Together, wait: WaitReplicas, laneOf: (key: string) => string) {
    this.#together = together;
    this.#wait = wait;
    this.#laneOf = laneOf;
  }

  /** Answers 1 when it wrote, 0 when something had changed; rejects when too few replicas have it, or nobody knows. */
  commit(keys: readonly string[], args: readonly string[]): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const lane = this.#laneOf(keys[0] ?? '');
    const waiting = this.#lanes.get(lane);
    const mine = { keys, args, resolve, reject };
    if (waiting) waiting.push(mine);
    else {
      this.#lanes.set(lane, [mine]);
      void this.#drain(lane);
    }
    return promise;
  }

  async #drain(lane: string): Promise<void> {
    for (;;) {
      const some = this.#lanes.get(lane)?.splice(0, mostAtOnce) ?? [];
      if (some.length === 0) break;
      await Promise.race([this.#send(some), after(this.#wait.timeout + patience, null, { ref: false })]);
    }
    this.#lanes.delete(lane);
  }

  /** What fails has failed for all: which of them were written is not known then. */
  async #send(commits: readonly Commit[]): Promise<void> {
    try {
      this.#answer(commits, await this.#tried(commits));
    } catch (error) {
      for (const { reject } of commits) reject(error);
    }
  }

  async #tried(commits: readonly Commit[]): Promise<readonly unknown[]> {
    try {
      return await this.#pipeline(commits, false);
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      return this.#pipeline(commits, true);
    }
  }

  #pipeline(commits: readonly Commit[], unknown: boolean): Promise<readonly unknown[]> {
    const { count, timeout } = this.#wait;
    // The text of the first one makes it known.
    const commands = commits.map(({ keys, args }, i) => scriptCommand('commit', keys, args, unknown && i === 0));
    return this.#together(commits[0]?.keys[0] ?? '', [...commands, ['WAIT', String(count), String(timeout)]]);
  }

  /** Also what was not written now may have been before, when it was sent the first time. */
  #answer(commits: readonly Commit[], answers: readonly unknown[]): void {
    const { count, timeout } = this.#wait;
    const have = Number(answers[commits.length] ?? 0);
    if (have < count) {
      const message = `redis: written, but ${have} of ${count} replicas had it within ${timeout} ms.`;
      throw new SojournError('store_unavailable', message);
    }
    for (const [i, { resolve }] of commits.entries()) resolve(Number(answers[i]));
  }
}
