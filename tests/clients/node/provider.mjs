// A real identity provider for the tests, oidc-provider, with everybody signing in at once.
// It listens on a free port of 127.0.0.1 and prints it. Beside what every provider has:
//   POST /control {account, rotate, ttl, claims}  changes what it says from now on.
//   POST /sign {claims, foreign}  answers a token with these claims, of its key or of a foreign one.
import { createServer } from 'node:http';
import { generateKeyPair, exportJWK, importJWK, decodeJwt, SignJWT } from 'jose';
import Provider from 'oidc-provider';

const people = new Map();
let account = 'ann';
let claims = {};
let ttl = 3600;
let gone = false;
let key;
let handler;

const server = createServer((request, response) => {
  if (request.url === '/control') return control(request, response);
  if (request.url === '/sign') return sign(request, response);
  return handler(request, response);
});

async function control(request, response) {
  const wish = await read(request);
  if (wish.person) people.set(wish.person.sub, wish.person);
  if (wish.account !== undefined) account = wish.account;
  if (wish.claims !== undefined) claims = wish.claims;
  if (wish.ttl !== undefined) ttl = wish.ttl;
  if (wish.gone !== undefined) gone = wish.gone;
  if (wish.rotate) await begin();
  response.end('{}');
}

async function read(request) {
  let text = '';
  for await (const piece of request) text += piece;
  return JSON.parse(text);
}

async function sign(request, response) {
  const wish = await read(request);
  const now = Math.floor(Date.now() / 1000);
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const payload = { iss: issuer, iat: now, exp: now + 600, ...wish.claims };
  const foreign = wish.foreign ? (await generateKeyPair('RS256')).privateKey : undefined;
  const header = { alg: 'RS256', kid: key.kid, typ: 'at+jwt' };
  const signing = foreign ?? (await importJWK(key, 'RS256'));
  response.end(await new SignJWT(payload).setProtectedHeader(header).sign(signing));
}

async function begin() {
  const pair = await generateKeyPair('RS256', { extractable: true });
  key = { ...(await exportJWK(pair.privateKey)), kid: `key-${Date.now()}`, alg: 'RS256', use: 'sig' };
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    clients: [
      {
        client_id: 'hoop',
        client_secret: 'a secret of the tests: 0123456789',
        redirect_uris: [process.env.E2E_REDIRECT_URI],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
      {
        client_id: 'robot',
        client_secret: 'another secret of the tests 0123',
        redirect_uris: [],
        grant_types: ['client_credentials'],
        response_types: [],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    scopes: ['openid', 'offline_access', 'groups'],
    pkce: { required: () => true },
    cookies: { keys: ['only for tests'] },
    issueRefreshToken: async () => true,
    findAccount: async (_, sub) => {
      if (gone) return undefined;
      const person = people.get(sub) ?? { sub, email: `${sub}@example.com`, email_verified: true, name: sub, groups: ['dba'] };
      return { accountId: sub, claims: async () => person };
    },
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid email profile groups offline_access');
      await grant.save();
      return grant;
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx) => (ctx.oidc.client.clientId === 'robot' ? (ctx.oidc.params?.resource ?? 'https://hoop.example.com') : undefined),
        getResourceServerInfo: (_, resource) => ({ scope: 'api', audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
      },
    },
    ttl: { AccessToken: () => ttl, IdToken: 3600, ClientCredentials: 3600, RefreshToken: 86400, Session: 86400, Grant: 86400, Interaction: 600 },
  });
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next();
    const login = account === null ? undefined : { accountId: account };
    const result = login ? { login } : { error: 'access_denied', error_description: 'you changed your <mind>' };
    await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
    ctx.respond = false;
  });
  // What no honest provider says, signed with its key all the same.
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path !== '/token' || !ctx.body?.id_token || Object.keys(claims).length === 0) return;
    const payload = { ...decodeJwt(ctx.body.id_token), ...claims };
    const header = { alg: 'RS256', kid: key.kid };
    ctx.body.id_token = await new SignJWT(payload).setProtectedHeader(header).sign(await importJWK(key, 'RS256'));
  });
  handler = provider.callback();
}

server.listen(Number(process.env.E2E_PORT ?? 0), '127.0.0.1', async () => {
  await begin();
  console.log(`listening on ${server.address().port}`);
});
