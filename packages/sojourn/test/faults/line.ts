import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';

type Way = 'open' | 'delayed' | 'answers stalled' | 'commands stalled' | 'silent';

/**
 * Stands between a node and its engine, and cuts, delays or stalls one direction. It never reorders: TCP
 * does not either.
 */
export class Line {
  readonly #port: number;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #way: Way = 'open';
  #refuses = false;

  private constructor(port: number) {
    this.#port = port;
    this.#server = createServer((near) => this.#accept(near));
  }

  /** In front of a port of loopback. */
  static async before(port: number): Promise<Line> {
    const line = new Line(port);
    line.#server.listen(0, '127.0.0.1');
    await once(line.#server, 'listening');
    return line;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Ends what is connected and refuses what comes, until it is opened again. */
  cut(): void {
    this.#refuses = true;
    for (const sockets of this.#pairs) for (const socket of sockets) reset(socket);
  }

  set way(way: Way) {
    this.#refuses = false;
    this.#way = way;
    for (const [near, far] of this.#pairs) this.#direct(near, far);
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(near: Socket): void {
    if (this.#refuses) {
      reset(near);
      return;
    }
    const far = connect(this.#port, '127.0.0.1');
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    this.#carry(near, far);
    this.#carry(far, near);
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
    this.#direct(near, far);
  }

  #carry(from: Socket, to: Socket): void {
    // One after another: what comes when the delay is over waits for what was delayed before it.
    let last: Promise<unknown> = Promise.resolve();
    from.on('data', (data: Buffer) => {
      const due = this.#way === 'delayed' ? after(50) : null;
      last = last.then(() => due).then(() => to.write(data));
    });
  }

  #direct(near: Socket, far: Socket): void {
    if (this.#way === 'commands stalled' || this.#way === 'silent') near.pause();
    else near.resume();
    if (this.#way === 'answers stalled' || this.#way === 'silent') far.pause();
    else far.resume();
  }
}

/** Ends a connection by a reset; one that is being shut down, without. */
export function reset(socket: Socket): void {
  // Node 24 never closes a socket that is reset during its shutdown, and the process waits for it when it would end.
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
