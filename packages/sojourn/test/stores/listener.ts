import { untilHeard } from './hearing.ts';
import { type Opening, openings } from './openings.ts';

/* A process that listens until it has heard, and then is done: `node listener.ts <ending> <client> <url>…`. */

const [ending, client, ...urls] = process.argv.slice(2);
const opening: Opening | undefined = openings[client ?? ''];
if (opening === undefined) throw new TypeError(`no client ${client}`);
const { store, closeClient } = await opening(urls, { space: 'listener' });
store.listen(() => {});
await untilHeard(store, store);
// Asked and answered: nothing is under way any more but to listen.
await store.subject('u1');
if (ending === 'closes both') await store.close();
await closeClient();
