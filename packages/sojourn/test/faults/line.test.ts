import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import test from 'node:test';
import { Line, reset } from './line.ts';

test('a line that is cut ends what is connected, also what is just ending', async () => {
  const engine = createServer((socket) => socket.resume().on('error', () => {}));
  engine.listen(0, '127.0.0.1');
  await once(engine, 'listening');
  const address = engine.address();
  assert.ok(typeof address === 'object' && address !== null);

  const ending = connect(address.port, '127.0.0.1');
  await once(ending, 'connect');
  ending.end();
  // The shutdown has been asked for by then and is not done.
  process.nextTick(() => reset(ending));
  await once(ending, 'close');

  const line = await Line.before(address.port);
  const open = connect(line.port, '127.0.0.1');
  await once(open, 'connect');
  const told = once(open, 'error');
  line.cut();
  const [error] = await told;
  assert.equal(error.code, 'ECONNRESET');
  await line.close();
  engine.close();
  await once(engine, 'close');
});
