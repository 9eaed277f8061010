/** The bare Fastify service that webhook acknowledgement is compared with: one route, one INSERT. */
import Fastify from 'fastify';
import { Pool } from 'pg';

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const INSERT = {
  name: 'store',
  text: 'insert into bare_inbox (event_id, payload) values ($1, $2) on conflict do nothing',
};

async function main(): Promise<void> {
  const app = Fastify({ logger: false });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.get('/readyz', () => ({ status: 'ready' }));
  app.post('/v1/webhooks/stripe', async (request) => {
    const bytes = request.body as Buffer;
    const { id } = JSON.parse(bytes.toString()) as { id: string };
    await pool.query({ ...INSERT, values: [id, bytes] });
    return { received: true };
  });
  await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
  process.once('SIGTERM', () => process.exit(0));
}

void main();
