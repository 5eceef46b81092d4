import { erasedText } from '../rows.ts';
import { listOf, type Send } from './client.ts';
import type { EventLog } from './events.ts';
import type { Keys } from './keys.ts';
import { run } from './scripts.ts';

/** Events that are written anew by one script: Redis does nothing else meanwhile. */
const erasedAtOnce = 200;

/**
 * Erases a subject from the events there are, once its sessions are gone and nothing is added about them
 * any more. Each event is written anew only while it still says what was read; who dies on the way, and
 * asks again, goes on with the rest.
 */
export async function erasePast(send: Send, keys: Keys, log: EventLog, subject: string): Promise<void> {
  const pasts = [keys.history(subject), keys.endings(subject)];
  for (const past of pasts) {
    const numbers = listOf(await send('ZRANGE', past, '0', '-1')).filter((number) => number !== null);
    for (let from = 0; from < numbers.length; from += erasedAtOnce) {
      const some = numbers.slice(from, from + erasedAtOnce);
      const anew = (await log.texts(subject, some)).flatMap((text) => {
        const number = text.split(':', 1)[0] ?? '';
        const body = erasedText(text.slice(number.length + 1));
        return [number, text, body === null ? '' : `${number}:${body}`];
      });
      await run(send, 'erase', [keys.eventsOf(subject), past], [String(some.length), ...some, ...anew]);
    }
  }
}
