import { type Server, STATUS_CODES } from 'node:http';
import { type Sessions, SojournError } from 'sojourn';
import { fetchSessions } from 'sojourn/fetch';
import { endWith } from 'sojourn/live';
import { type WebSocket, WebSocketServer } from 'ws';

/** `openSockets(app.listen(3000), sessions, …)`: a WebSocket for who is signed in, until their session ends. */
export function openSockets(
  server: Server,
  sessions: Sessions<object, string>,
  onMessage: (subject: string, text: string, socket: WebSocket) => void,
): void {
  const web = fetchSessions(sessions);
  const sockets = new WebSocketServer({ noServer: true });

  server.on('upgrade', async (request, connection, head) => {
    connection.on('error', () => connection.destroy()); // Node ends the process over one that nobody hears
    const refuse = (status: number): void => {
      connection.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n\r\n`, () => connection.destroy());
    };
    try {
      const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      // Throws `cross_site` for a page of another origin, which the browser's cookie would not stop.
      const { session } = await web.track(headers, { readOnly: true });
      if (session.state !== 'signed-in') return refuse(401);
      sockets.handleUpgrade(request, connection, head, (socket) => {
        socket.on('close', endWith(session, socket));
        socket.on('error', console.warn);
        socket.on('message', (data) => {
          // What was on its way when the session ended is still delivered.
          if (!session.signal.aborted) onMessage(session.subject, String(data), socket);
        });
      });
    } catch (error) {
      const status = error instanceof SojournError ? error.status : 500;
      if (status >= 500) console.error(error);
      refuse(status);
    }
  });
}
