import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Between a client and an engine: connections can fall silent without being closed, as behind a firewall that forgot them. */
export class SilentProxy {
  readonly #target: URL;
  readonly #server = createServer((socket) => this.#join(socket));
  readonly #sockets = new Set<Socket>();
  readonly #silent = new Set<Socket>();

  constructor(target: string) {
    this.#target = new URL(target);
  }

  /** The engine's address by way of this proxy. */
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    const url = new URL(this.#target);
    url.port = String(typeof address === 'object' && address ? address.port : 0);
    return url.href;
  }

  /** Nothing that is sent over the connections there are arrives any more. */
  silence(): void {
    for (const socket of this.#sockets) this.#silent.add(socket);
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(socket: Socket): void {
    const engine = connect(Number(this.#target.port), this.#target.hostname);
    for (const [one, other] of [
      [socket, engine],
      [engine, socket],
    ] as const) {
      this.#sockets.add(one);
      one.on('data', (data) => {
        if (!this.#silent.has(one)) other.write(data);
      });
      one.on('error', () => {});
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}
