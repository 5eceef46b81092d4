import type { FleetNode } from './fleet.ts';
import type { History } from './history.ts';
import type { Answer, Ask } from './protocol.ts';

/** A client that has waited so long goes on, to another node if need be. */
const patience = 2500;
/** Once the faults are over, every answer has come after so long; what has not is unknown. */
const longest = 15_000;

export function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Asks the nodes for all clients, and keeps what they were told: also what comes later than a client waits. */
export class Clients {
  readonly #nodes: readonly FleetNode[];
  readonly #history: History;
  readonly #under = new Set<Promise<void>>();
  #over = false;

  constructor(nodes: readonly FleetNode[], history: History) {
    this.#nodes = nodes;
    this.#history = history;
  }

  get nodes(): number {
    return this.#nodes.length;
  }

  /** Whether the clients shall ask no more. */
  get over(): boolean {
    return this.#over;
  }

  async ask(node: number, ask: Ask): Promise<Answer> {
    const from = performance.now();
    const told = Promise.withResolvers<Answer>();
    const giveUp = setTimeout(() => told.resolve({ is: 'unknown', why: 'no answer yet' }), patience);
    const answering = this.#answer(node, ask).then((answer) => {
      clearTimeout(giveUp);
      this.#history.add({ node, ask, from, to: performance.now(), answer });
      told.resolve(answer);
      this.#under.delete(answering);
    });
    this.#under.add(answering);
    return told.promise;
  }

  /** No more is asked, and all that was asked is answered. */
  async finish(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#under);
  }

  async #answer(node: number, ask: Ask): Promise<Answer> {
    const late = Promise.withResolvers<Answer>();
    const timer = setTimeout(() => late.resolve({ is: 'unknown', why: 'never answered' }), longest);
    const answer = await Promise.race([this.#nodes[node]?.ask(ask) ?? late.promise, late.promise]);
    clearTimeout(timer);
    return answer;
  }
}
