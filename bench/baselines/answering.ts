/** A server that reads nothing and always says the same: what the load generator can drive at most. */
import { createServer } from 'node:net';

const BODY = '{"status":"recorded"}';
const rest = `content-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
const CREATED = Buffer.from(`HTTP/1.1 201 Created\r\n${rest}`);
const OK = Buffer.from(`HTTP/1.1 200 OK\r\n${rest}`);
const LETTER_G = 71;

createServer((socket) => {
  socket.setNoDelay(true);
  // A small request comes in one piece.
  socket.on('data', (chunk) => socket.write(chunk[0] === LETTER_G ? OK : CREATED));
  socket.on('error', () => undefined);
}).listen(Number(process.env.PORT), '127.0.0.1');
