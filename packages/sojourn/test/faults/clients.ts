import { type FleetNode, unknown } from './fleet.ts';
import type { History } from './history.ts';
import { machineTime } from './machine.ts';
import type { Answer, Ask, Told } from './protocol.ts';

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
    const from = machineTime();
    const heard = Promise.withResolvers<Answer>();
    const giveUp = setTimeout(() => heard.resolve({ is: 'unknown', why: 'no answer yet' }), patience);
    const answering = this.#answer(node, ask).then((told) => {
      clearTimeout(giveUp);
      this.#history.add({ node, ask, from, ...told });
      heard.resolve(told.answer);
      this.#under.delete(answering);
    });
    this.#under.add(answering);
    return heard.promise;
  }

  /** No more is asked. */
  stop(): void {
    this.#over = true;
  }

  /** No more is asked, and all that was asked is answered. */
  async finish(): Promise<void> {
    this.stop();
    await Promise.all(this.#under);
  }

  async #answer(node: number, ask: Ask): Promise<Told> {
    const late = Promise.withResolvers<Told>();
    const timer = setTimeout(() => late.resolve(unknown('never answered')), longest);
    const told = await Promise.race([this.#nodes[node]?.ask(ask) ?? late.promise, late.promise]);
    clearTimeout(timer);
    return told;
  }
}
