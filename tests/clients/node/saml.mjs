// A real SAML identity provider for the tests, samlp, with everybody signing in at once.
// It listens on a port of 127.0.0.1 and prints it; its keys are in the folder that it is in.
//   GET /metadata  what it says of itself
//   GET /sso       where people are sent
//   POST /control {person, account, rotate, options}  changes what it says from now on; `rotate`
//     takes the other key, and `options` are samlp's own.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import samlp from 'samlp';

const folder = dirname(fileURLToPath(import.meta.url));
const callback = process.env.E2E_CALLBACK;
const people = new Map();
let account = 'ann';
let number = 0;
let options = {};

function Mapper(person) {
  return {
    getClaims: () => ({ email: person.email, name: person.name, groups: person.groups }),
    getNameIdentifier: () => ({
      nameIdentifier: person.sub,
      nameIdentifierFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    }),
  };
}
Mapper.prototype.metadata = [];

function usual() {
  const read = (kind) => readFileSync(join(folder, `idp-${number}.${kind}`));
  return {
    issuer: `http://127.0.0.1:${server.address().port}/saml`,
    cert: read('pem'),
    key: read('key'),
    profileMapper: Mapper,
    destination: callback,
    recipient: callback,
    lifetimeInSeconds: 300,
    redirectEndpointPath: '/sso',
    postEndpointPath: '/sso',
    ...options,
  };
}

function who(sub) {
  return people.get(sub) ?? { sub, email: `${sub}@example.com`, name: sub, groups: ['dba'] };
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://127.0.0.1');
  // As much of express as samlp uses.
  request.query = Object.fromEntries(url.searchParams);
  request.originalUrl = request.url;
  request.protocol = 'http';
  request.user = account === null ? undefined : who(account);
  response.set = (name, value) => response.setHeader(name, value);
  response.send = (body) => response.end(typeof body === 'number' ? String(body) : body);
  const next = (error) => {
    response.statusCode = 500;
    response.end(String(error?.stack ?? error));
  };
  if (url.pathname === '/control') return control(request, response);
  if (url.pathname === '/metadata') return samlp.metadata(usual())(request, response, next);
  if (url.pathname !== '/sso') return next('there is nothing here');
  if (account === null) {
    const error = { code: 'urn:oasis:names:tc:SAML:2.0:status:AuthnFailed' };
    const RelayState = request.query.RelayState;
    const getPostURL = (_, done) => done(null, callback);
    return samlp.sendError({ ...usual(), error, RelayState, getPostURL })(request, response, next);
  }
  const getPostURL = (_audience, dom, _request, done) =>
    done(null, dom.documentElement.getAttribute('AssertionConsumerServiceURL'));
  return samlp.auth({ ...usual(), getPostURL })(request, response, next);
});

async function control(request, response) {
  let text = '';
  for await (const piece of request) text += piece;
  const wish = JSON.parse(text);
  if (wish.person) people.set(wish.person.sub, wish.person);
  if (wish.account !== undefined) account = wish.account;
  if (wish.options !== undefined) options = wish.options;
  if (wish.rotate) number = 1 - number;
  response.end('{}');
}

server.listen(Number(process.env.E2E_PORT ?? 0), '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`);
});
