// One walk with openid-client: reads commands as lines of JSON, answers each with a line.
import { createInterface } from "node:readline";
import * as client from "openid-client";

const { ClientSecretBasic, ClientSecretPost, None } = client;
const methods = {
  client_secret_basic: ClientSecretBasic,
  client_secret_post: ClientSecretPost,
  none: () => None(),
};
let config, verifier, state;

const commands = {
  async begin({ issuer, client_id, client_secret, method, redirect_uri, pkce }) {
    config = await client.discovery(
      new URL(issuer), client_id, undefined, methods[method](client_secret),
      { execute: [client.allowInsecureRequests], algorithm: "oauth2" },
    );
    verifier = pkce ? client.randomPKCECodeVerifier() : undefined;
    state = client.randomState();
    const parameters = { redirect_uri, scope: "read_write", state };
    if (pkce) {
      parameters.code_challenge = await client.calculatePKCECodeChallenge(verifier);
      parameters.code_challenge_method = "S256";
    }
    return { url: client.buildAuthorizationUrl(config, parameters).href };
  },
  async exchange({ landed }) {
    return client.authorizationCodeGrant(config, new URL(landed), {
      pkceCodeVerifier: verifier, expectedState: state,
    });
  },
  refresh: ({ token }) => client.refreshTokenGrant(config, token),
  introspect: ({ token }) => client.tokenIntrospection(config, token),
  async revoke({ token }) {
    await client.tokenRevocation(config, token);
    return {};
  },
  machine: () => client.clientCredentialsGrant(config, { scope: "read_write" }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...words } = JSON.parse(line);
  let answer;
  try {
    answer = await commands[command](words);
  } catch (error) {
    answer = { error: error.error ?? error.code ?? error.name, status: error.status };
  }
  console.log(JSON.stringify(answer));
}
