import { connect, type Socket } from 'node:net';
import { tell } from '../process.ts';

/*
 * The process that asks. Raw sockets and requests made ahead of time, so that it costs less than any
 * server it loads: each connection sends its next request as soon as the answer to the last is whole.
 */

export interface Turn {
  readonly port: number;
  readonly requests: readonly Buffer[];
  readonly connections: number;
  /** Milliseconds before counting begins, and of counting. */
  readonly leadIn: number;
  readonly duration: number;
}

export interface Counted {
  /** Whole answers with status 200 a second. */
  readonly rate: number;
  /** All answers, also those before counting began. */
  readonly answers: number;
  /** Answers with another status. */
  readonly refused: number;
  /** Share of one core that this process used: near 1 it is the bottleneck, not the server. */
  readonly busy: number;
}

const ok = Buffer.from('HTTP/1.1 200 ');
const headEnd = Buffer.from('\r\n\r\n');
const lastChunk = Buffer.from('\r\n0\r\n\r\n');
const lengthHeader = /\r\ncontent-length: (\d+)/i;

class Connection {
  readonly #turn: Turn;
  readonly #socket: Socket;
  #next: number;
  /** Of an answer that did not come in one piece. */
  #part: Buffer | null = null;
  #done = false;
  readonly closed: Promise<void>;
  answers = 0;
  refused = 0;

  constructor(turn: Turn, first: number) {
    this.#turn = turn;
    this.#next = first;
    const buffer = Buffer.allocUnsafe(16_384);
    this.#socket = connect({
      port: turn.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer,
        callback: (size) => {
          this.#read(buffer.subarray(0, size));
          return true;
        },
      },
    });
    this.closed = new Promise((resolve, reject) => {
      this.#socket.on('error', reject);
      this.#socket.on('close', () => (this.#done ? resolve() : reject(new Error('The server closed a connection.'))));
    });
    this.#socket.on('connect', () => this.#send());
  }

  /** No further request; closes after the answer that is under way. */
  stop(): void {
    this.#done = true;
  }

  #send(): void {
    if (this.#done) {
      this.#socket.end();
      return;
    }
    const { requests } = this.#turn;
    this.#socket.write(requests[this.#next % requests.length] ?? '');
    this.#next += 1;
  }

  #read(chunk: Buffer): void {
    // Nearly always the whole answer in one piece.
    const answer = this.#part === null ? chunk : Buffer.concat([this.#part, chunk]);
    if (!isWhole(answer)) {
      this.#part = this.#part === null ? Buffer.from(chunk) : answer;
      return;
    }
    this.#part = null;
    this.answers += 1;
    if (!ok.equals(answer.subarray(0, ok.length))) this.refused += 1;
    this.#send();
  }
}

function isWhole(answer: Buffer): boolean {
  const end = answer.indexOf(headEnd);
  if (end === -1) return false;
  const [, length] = lengthHeader.exec(answer.toString('latin1', 0, end)) ?? [];
  // Without a length the body comes in chunks, of which the last is empty.
  return length === undefined
    ? answer.subarray(-lastChunk.length).equals(lastChunk)
    : answer.length === end + headEnd.length + Number(length);
}

function sum(connections: readonly Connection[], of: 'answers' | 'refused'): number {
  return connections.reduce((total, connection) => total + connection[of], 0);
}

async function load(turn: Turn): Promise<Counted> {
  const stride = Math.ceil(turn.requests.length / turn.connections);
  const offset = Math.floor(Math.random() * turn.requests.length);
  const connections = Array.from({ length: turn.connections }, (_, i) => new Connection(turn, offset + i * stride));
  const closed = Promise.all(connections.map((connection) => connection.closed));
  const after = (delay: number): Promise<unknown> =>
    Promise.race([closed, new Promise((resolve) => setTimeout(resolve, delay))]);
  await after(turn.leadIn);
  const begun = performance.now();
  const used = process.cpuUsage();
  const before = sum(connections, 'answers');
  await after(turn.duration);
  const counted = sum(connections, 'answers') - before;
  const elapsed = performance.now() - begun;
  const { user, system } = process.cpuUsage(used);
  for (const connection of connections) connection.stop();
  await closed;
  return {
    rate: (counted / elapsed) * 1000,
    answers: sum(connections, 'answers'),
    refused: sum(connections, 'refused'),
    busy: (user + system) / 1000 / elapsed,
  };
}

process.on('message', (turn: Turn) => {
  load(turn).then(tell, (error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
tell({ ready: true });
