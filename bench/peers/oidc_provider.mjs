// oidc-provider on its production settings: NODE_ENV=production, an adapter over PostgreSQL, keys of
// its own, no development interactions. Codes for the benchmark come from /seed.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import pg from "pg";
import { Provider } from "oidc-provider";

const port = Number(process.env.PORT);
const pool = new pg.Pool({ max: 10 });
await pool.query(`
  create table if not exists oidc (
    model text not null, id text not null, payload jsonb not null, grant_id text, uid text,
    user_code text, expires_at timestamptz, consumed_at timestamptz, primary key (model, id));
  create index if not exists oidc_grant on oidc (grant_id) where grant_id is not null;
  create index if not exists oidc_uid on oidc (uid) where uid is not null;
  create index if not exists oidc_user_code on oidc (user_code) where user_code is not null;
`);

// Prepared once for each connection, since they are named.
const statements = {
  upsert: `insert into oidc values ($1, $2, $3, $4, $5, $6, $7, null)
    on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id,
    uid = excluded.uid, user_code = excluded.user_code, expires_at = excluded.expires_at`,
  find: `select payload, consumed_at from oidc
    where model = $1 and id = $2 and (expires_at is null or expires_at > now())`,
  findByUid: `select payload, consumed_at from oidc where model = $1 and uid = $2`,
  findByUserCode: `select payload, consumed_at from oidc where model = $1 and user_code = $2`,
  consume: `update oidc set consumed_at = now() where model = $1 and id = $2`,
  destroy: `delete from oidc where model = $1 and id = $2`,
  revokeByGrantId: `delete from oidc where model = $1 and grant_id = $2`,
};

class Adapter {
  constructor(model) {
    this.model = model;
  }

  run(name, ...values) {
    return pool.query({ name, text: statements[name], values: [this.model, ...values] });
  }

  async one(name, value) {
    const [row] = (await this.run(name, value)).rows;
    return row && { ...row.payload, ...(row.consumed_at && { consumed: true }) };
  }

  async upsert(id, payload, expiresIn) {
    const expires = expiresIn ? new Date(Date.now() + expiresIn * 1000) : null;
    const { grantId = null, uid = null, userCode = null } = payload;
    await this.run("upsert", id, payload, grantId, uid, userCode, expires);
  }

  find(id) {
    return this.one("find", id);
  }

  findByUid(uid) {
    return this.one("findByUid", uid);
  }

  findByUserCode(userCode) {
    return this.one("findByUserCode", userCode);
  }

  async consume(id) {
    await this.run("consume", id);
  }

  async destroy(id) {
    await this.run("destroy", id);
  }

  async revokeByGrantId(grantId) {
    await this.run("revokeByGrantId", grantId);
  }
}

const redirectUri = "https://app.example/cb";
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: Adapter,
  clients: [
    {
      client_id: process.env.CLIENT_ID,
      client_secret: process.env.CLIENT_SECRET,
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token", "client_credentials"],
      response_types: ["code"],
      token_endpoint_auth_method: "client_secret_post",
      id_token_signed_response_alg: "ES256",
    },
  ],
  cookies: { keys: [randomBytes(32).toString("hex")] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
  },
  findAccount: (_, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
  issueRefreshToken: async () => true,
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig" }] },
  pkce: { required: () => false },
  rotateRefreshToken: true,
  scopes: ["read"],
});

async function code(client) {
  const accountId = "ada";
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addOIDCScope("read");
  const grantId = await grant.save();
  return new provider.AuthorizationCode({
    accountId,
    client,
    grantId,
    gty: "authorization_code",
    redirectUri,
    scope: "read",
  }).save();
}

provider.use(async (ctx, next) => {
  if (ctx.path !== "/seed") return next();
  const client = await provider.Client.find(process.env.CLIENT_ID);
  ctx.body = await Promise.all(Array.from({ length: Number(ctx.query.n) }, () => code(client)));
});
provider.on("server_error", (_, error) => console.error(error));
provider.listen(port, "127.0.0.1");
