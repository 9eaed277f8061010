import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync } from 'node:fs';
import { axe, launchBrowser, newPage, screenshot } from '../support/browser';

/** The browser of the tests must notice what it is there to notice; a blind one would pass everything. */
describe('the test browser', () => {
  const server = createServer((request, response) => {
    if (request.url === '/') response.setHeader('content-type', 'text/html').end(PAGE);
    else response.writeHead(404).end();
  });
  const PAGE = `<!doctype html><html lang="en"><title>t</title><main><h1>Hello</h1><img src="/missing.png">
    <script>console.error('logged'); setTimeout(() => { throw new Error('thrown') })</script></main></html>`;
  let url = '';

  beforeAll(async () => {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => new Promise((done) => server.close(done)));

  it('sees console errors, failed requests and accessibility violations, and keeps pictures', async () => {
    const browser = await launchBrowser();
    try {
      const watched = await newPage(browser);
      await watched.page.goto(url, { waitUntil: 'networkidle' });
      expect(await watched.page.textContent('h1')).toBe('Hello');
      expect(watched.consoleErrors).toEqual(expect.arrayContaining(['logged', 'Error: thrown']));
      expect(watched.failedRequests).toEqual(expect.arrayContaining([`GET ${url}missing.png → 404`]));
      expect((await axe(watched.page)).map(({ id }) => id)).toEqual(['image-alt']);
      expect(existsSync(await screenshot(watched.page, 'test-browser'))).toBe(true);
    } finally {
      await browser.close();
    }
  });
});
