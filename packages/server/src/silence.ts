/** A client of node-redis, as far as this needs it. */
interface Client {
  readonly isReady: boolean;
  ping(): Promise<unknown>;
  destroy(): void;
  connect(): Promise<unknown>;
}

/**
 * Asks a Redis again and again, and replaces a connection that has been silent for so many milliseconds. One that
 * died without a word takes what is sent into it for a quarter of an hour, and the client's own `socketTimeout`
 * counts what it sends as a sign of life. The answer stops it.
 */
export function replaceWhenSilent(client: Client, silentFor: number): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const ask = async (): Promise<void> => {
    // Refused is an answer too; a client that has no connection looks for one by itself.
    if (client.isReady && !(await answers(client, silentFor)) && !stopped) {
      client.destroy();
      client.connect().catch(() => {});
    }
    schedule();
  };
  const schedule = (): void => {
    if (!stopped) timer = setTimeout(() => void ask(), silentFor / 4).unref();
  };
  schedule();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

function answers(client: Client, within: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), within).unref();
    const answered = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    client.ping().then(answered, answered);
  });
}
