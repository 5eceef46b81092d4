import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server, Socket } from 'node:net';

const opened = 'net.server.socket';

/**
 * The open connections of a server, on all addresses that it listens on: `localhost` may be two, and the server
 * of the second is Fastify's own, which shows it to nobody.
 */
export class Connections {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #port: number | null = null;
  #closing = false;
  #none: () => void = () => {};

  constructor(server: Server) {
    this.#server = server;
    subscribe(opened, this.#opened);
  }

  /** Whether the server was told to stop. */
  get closing(): boolean {
    return this.#closing;
  }

  /** From now on takes no new ones and closes those on which nothing has come, as browsers open ahead of need: for Node they are not idle. */
  refuse(): void {
    this.#closing = true;
    for (const socket of this.#open) if (socket.bytesRead === 0) socket.destroy();
  }

  /** Cuts off whatever is under way. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Waits until the last has closed. */
  async closed(): Promise<void> {
    if (this.#open.size > 0) await new Promise<void>((resolve) => (this.#none = resolve));
    unsubscribe(opened, this.#opened);
  }

  readonly #opened = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    const address = this.#server.address();
    // Not there any more once the first server has closed; other servers of this process are on other ports.
    if (typeof address === 'object' && address) this.#port = address.port;
    if (socket.localPort !== this.#port) return;
    if (this.#closing) {
      socket.destroy();
      return;
    }
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      if (this.#open.size === 0) this.#none();
    });
  };
}
