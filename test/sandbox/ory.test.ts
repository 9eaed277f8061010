import { startOry } from '../../sandbox/ory/server';
import type { LocalServer } from '../../sandbox/local-server';

let ory: LocalServer;

beforeAll(async () => {
  ory = await startOry();
});

afterAll(() => ory.stop());

async function post(path: string, body: unknown): Promise<Response> {
  return fetch(`${ory.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
}

function whoami(headers: Record<string, string>): Promise<Response> {
  return fetch(`${ory.url}/sessions/whoami`, { headers });
}

describe('the Ory stand-in', () => {
  it('knows nobody without a session', async () => {
    expect((await whoami({})).status).toBe(401);
    expect((await whoami({ 'x-session-token': 'unknown' })).status).toBe(401);
  });

  it('answers a session by header and by cookie, among other cookies', async () => {
    await post('/_sandbox/sessions', { token: 'known', email: 'ops@example.com', aal: 'aal2' });
    const byHeader = await (await whoami({ 'x-session-token': 'known' })).json();
    expect(byHeader).toMatchObject({
      active: true,
      authenticator_assurance_level: 'aal2',
      identity: { traits: { email: 'ops@example.com' } },
    });
    const byCookie = await (await whoami({ cookie: 'a=b; ory_kratos_session=known; c=d' })).json();
    expect(byCookie).toEqual(byHeader);
  });

  it('answers weak sessions as they are, and leaves the judging to the service', async () => {
    const session = {
      token: 'weak',
      aal: 'aal1',
      active: false,
      authenticated_at: '2026-01-01T00:00:00.000Z',
      expires_at: '2026-01-02T00:00:00.000Z',
    };
    await post('/_sandbox/sessions', session);
    expect(await (await whoami({ 'x-session-token': 'weak' })).json()).toMatchObject({
      active: false,
      authenticator_assurance_level: 'aal1',
      authenticated_at: session.authenticated_at,
      expires_at: session.expires_at,
    });
  });

  it('fails and dawdles on demand, until the switch is cleared', async () => {
    await post('/_sandbox/sessions', { token: 'fine' });
    await post('/_sandbox/faults', { status: 503, delay_ms: 60 });
    const begun = performance.now();
    expect((await whoami({ 'x-session-token': 'fine' })).status).toBe(503);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(55);
    await post('/_sandbox/faults', {});
    expect((await whoami({ 'x-session-token': 'fine' })).status).toBe(200);
  });

  it.each([
    ['/_sandbox/faults', { sttus: 500 }],
    ['/_sandbox/faults', { status: 20 }],
    ['/_sandbox/sessions', { email: 'no token' }],
    ['/_sandbox/sessions', { token: 'x', expires: 'soon' }],
  ])('refuses a switch it does not know: %s %j', async (path, body) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ error: expect.any(String) });
  });
});
