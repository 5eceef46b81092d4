import { Child } from '../process.ts';
import type { Asked, EndedAll, Looked, SignedIn, Sized, Times } from './asked.ts';
import type { Server } from './servers.ts';

interface NodeOptions {
  /** None, or of so many bytes; default as the library comes. */
  readonly cache?: 'off' | number;
  /** Most sessions of one subject; the oldest end. */
  readonly limit?: number;
  readonly nodeOptions?: readonly string[];
}

/** One node of an application on an engine, in a process of its own. */
export class Node {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  static async start({ url }: Server, { cache, limit, nodeOptions = [] }: NodeOptions = {}): Promise<Node> {
    const child = new Child({
      file: 'engines/node.ts',
      args: [url],
      nodeOptions,
      env: {
        ...(cache === undefined ? {} : { BENCH_CACHE: String(cache) }),
        ...(limit === undefined ? {} : { BENCH_LIMIT: String(limit) }),
      },
    });
    await child.next();
    return new Node(child);
  }

  #ask<T>(asked: Asked): Promise<T> {
    return this.#child.ask<T>(asked);
  }

  signIn(subjects: readonly string[], atOnce: number): Promise<SignedIn> {
    return this.#ask({ do: 'signIn', subjects, atOnce });
  }

  /** With the data of a large store's sessions. */
  signInWithText(subjects: readonly string[], atOnce: number): Promise<SignedIn> {
    return this.#ask({ do: 'signIn', subjects, atOnce, withText: true });
  }

  hold(tokens: readonly string[]): Promise<void> {
    return this.#ask({ do: 'hold', tokens });
  }

  holdFilled(count: number): Promise<void> {
    return this.#ask({ do: 'holdFilled', count });
  }

  touch(from: number, to: number, milliseconds: number): Promise<Looked> {
    return this.#ask({ do: 'touch', from, to, milliseconds });
  }

  lookUp(tokens: readonly string[], atOnce: number, milliseconds: number): Promise<Looked> {
    return this.#ask({ do: 'lookUp', tokens, atOnce, milliseconds });
  }

  load(tokens: readonly string[], perSecond: number): Promise<void> {
    return this.#ask({ do: 'load', tokens, perSecond });
  }

  rest(): Promise<void> {
    return this.#ask({ do: 'rest' });
  }

  watch(tokens: readonly string[]): Promise<void> {
    return this.#ask({ do: 'watch', tokens });
  }

  endSessions(ids: readonly string[]): Promise<void> {
    return this.#ask({ do: 'end', ids });
  }

  times(): Promise<Times> {
    return this.#ask({ do: 'times' });
  }

  endAll(subject: string): Promise<EndedAll> {
    return this.#ask({ do: 'endAll', subject });
  }

  /** Live sessions of a subject. */
  async devices(subject: string): Promise<number> {
    return (await this.#ask<{ live: number }>({ do: 'devices', subject })).live;
  }

  size(): Promise<Sized> {
    return this.#ask({ do: 'size' });
  }

  stop(): Promise<void> {
    return this.#child.end();
  }
}

/** So many nodes while `use` uses them. */
export async function withNodes<T>(
  server: Server,
  count: number,
  options: NodeOptions,
  use: (nodes: readonly Node[]) => Promise<T>,
): Promise<T> {
  const nodes: Node[] = [];
  try {
    // One after another: the first makes the schema.
    for (let i = 0; i < count; i++) nodes.push(await Node.start(server, options));
    return await use(nodes);
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

/** Of so many, the part of each of some nodes. */
export function shared<T>(all: readonly T[], nodes: number): readonly (readonly T[])[] {
  return Array.from({ length: nodes }, (_, node) => all.filter((_one, index) => index % nodes === node));
}
